//! Metrics in Prometheus' text format, rendered when somebody asks. Names ending in `_seconds`,
//! `_bytes` and `_size` are histograms with buckets for that unit.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::process;

/// From a tenth of a millisecond (a cached read) to ten minutes (a task).
const SECONDS: [f64; 18] = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
    180.0, 600.0,
];
const BYTES: [f64; 6] = [256.0, 1024.0, 8192.0, 65_536.0, 524_288.0, 1_048_576.0];
/// Batch sizes and the like.
const SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0];

static INSTALLED: OnceLock<MetricsHandle> = OnceLock::new();

type Collector = Box<dyn Fn() + Send + Sync>;

/// The metrics of the process. Clones are the same.
#[derive(Clone)]
pub struct MetricsHandle {
    prometheus: PrometheusHandle,
    collectors: Arc<RwLock<Vec<Collector>>>,
}

impl MetricsHandle {
    /// All metrics in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        for collect in self.collectors.read().unwrap_or_else(PoisonError::into_inner).iter() {
            collect();
        }
        self.prometheus.render()
    }

    /// Has `collect` called before each rendering, to set gauges that are cheaper to ask for than to
    /// keep up to date. It must not block.
    pub fn before_rendering(&self, collect: impl Fn() + Send + Sync + 'static) {
        self.collectors.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(collect));
    }

    /// Moves samples of histograms into their buckets. Has to be called now and then, since the
    /// samples pile up until somebody asks for the metrics.
    pub fn compact(&self) {
        self.prometheus.run_upkeep();
    }
}

/// Makes the process' metrics, once; later calls return the same.
pub(super) fn install(service: &'static str, version: &'static str) -> MetricsHandle {
    INSTALLED
        .get_or_init(|| {
            let recorder = recorder();
            let handle = MetricsHandle { prometheus: recorder.handle(), collectors: Arc::default() };
            // Fails only when another recorder is there already, and nothing but this installs one.
            let _ = metrics::set_global_recorder(recorder);
            metrics::gauge!("dats_build_info", "service" => service, "version" => version).set(1.0);
            process::describe();
            handle.before_rendering(process::collect);
            handle
        })
        .clone()
}

fn recorder() -> PrometheusRecorder {
    with_buckets(PrometheusBuilder::new()).unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder()
}

fn with_buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &BYTES)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)
}
