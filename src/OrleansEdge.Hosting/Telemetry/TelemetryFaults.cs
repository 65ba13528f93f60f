using System.Diagnostics.Tracing;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Hosting.Telemetry;

/// <summary>Tells the log what the OpenTelemetry SDK only tells an event source: that metrics do not arrive. Once a minute at most.
/// Thread safe.</summary>
internal sealed partial class TelemetryFaults(ILogger<TelemetryFaults> logger, TimeProvider time) : EventListener
{
    private const string SourcePrefix = "OpenTelemetry-Exporter-";
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private long? _toldAt;

    /// <inheritdoc/>
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (IsExporter(eventSource))
        {
            EnableEvents(eventSource, EventLevel.Warning);
        }
    }

    /// <inheritdoc/>
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        // Counters that somebody else in the process has switched on come to every listener.
        if (IsExporter(eventData.EventSource) && IsDue())
        {
            ExportFailed(Describe(eventData));
        }
    }

    private static bool IsExporter(EventSource source) => source.Name.StartsWith(SourcePrefix, StringComparison.Ordinal);

    private bool IsDue()
    {
        lock (_gate)
        {
            if (_toldAt is { } told && time.GetElapsedTime(told) < Interval)
            {
                return false;
            }

            _toldAt = time.GetTimestamp();
            return true;
        }
    }

    private static string Describe(EventWrittenEventArgs eventData)
    {
        var message = eventData.Message is { } format && eventData.Payload is { } payload
            ? string.Format(CultureInfo.InvariantCulture, format, [.. payload])
            : eventData.EventName ?? "";
        return message.Split('\n', 2)[0].TrimEnd('\r');
    }

    [LoggerMessage(5020, LogLevel.Warning, "Metrics were not exported: {Reason}")]
    private partial void ExportFailed(string reason);
}
