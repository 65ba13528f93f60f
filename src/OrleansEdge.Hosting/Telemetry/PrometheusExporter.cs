using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace OrleansEdge.Hosting.Telemetry;

/// <summary>Renders the metrics as text when somebody asks. Thread safe: askers queue, and each gets fresh values.</summary>
internal sealed class PrometheusExporter : BaseExporter<Metric>
{
    /// <summary>Content type of <see cref="CollectAsync"/>.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const int CollectMilliseconds = 5000;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly PrometheusText _text = new();
    private byte[] _rendered = [];

    /// <summary>Makes the exporter and its reader; the reader belongs to the meter provider that it is added to.</summary>
    public PrometheusExporter() => Reader = new PullReader(this);

    /// <summary>The reader to add to a meter provider.</summary>
    public MetricReader Reader { get; }

    /// <summary>All metrics, in text format 0.0.4, UTF-8.</summary>
    public async Task<byte[]> CollectAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Reader.Collect(CollectMilliseconds);
            return _rendered;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public override ExportResult Export(in Batch<Metric> batch)
    {
        _text.Clear();
        foreach (var metric in batch)
        {
            _text.Add(metric);
        }

        _rendered = _text.ToUtf8();
        return ExportResult.Success;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _gate.Dispose();
        base.Dispose(disposing);
    }

    private sealed class PullReader : BaseExportingMetricReader
    {
        public PullReader(PrometheusExporter exporter)
            : base(exporter) => TemporalityPreference = MetricReaderTemporalityPreference.Cumulative;
    }
}
