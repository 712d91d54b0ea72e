# shellcheck shell=bash disable=SC2154
# Servers as containers, where the machine has Docker and no packages.

docker_works() { command -v docker >/dev/null && docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; }
