# routing-engine: Decides where each task of DATS Orchestration runs.
# Build from the root of the repository:
#   docker build -f deploy/docker/routing-engine.Dockerfile -t dats/routing-engine .
# The image has one binary, the C library and the authorities of the web: no shell, no package manager.

FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY tests tests
COPY migrations migrations
# The caches keep registry and objects between builds; what is wanted of them is copied out.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --package routing-engine \
    && install -D target/release/routing-engine /out/routing-engine

FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="routing-engine" \
      org.opencontainers.image.description="Decides where each task of DATS Orchestration runs" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="DATS Orchestration"
COPY --from=build /out/routing-engine /usr/local/bin/routing-engine
USER 65532:65532
ENV DATS_TELEMETRY__LOG_FORMAT=json
EXPOSE 8001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/routing-engine", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/routing-engine"]
