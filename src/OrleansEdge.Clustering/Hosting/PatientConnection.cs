using Microsoft.Extensions.Logging;

namespace OrleansEdge.Clustering.Hosting;

/// <summary>Tries to connect to the cluster again and again, and says every half minute that it does.</summary>
internal sealed partial class PatientConnection(TimeProvider time, ILogger<PatientConnection> logger) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private long? _toldAt;

    /// <inheritdoc/>
    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (_toldAt is not { } told || time.GetElapsedTime(told) >= Interval)
        {
            _toldAt = time.GetTimestamp();
            ClusterAway(exception.Message.Split('\n', 2)[0].TrimEnd('\r'));
        }

        await Task.Delay(Pause, time, cancellationToken);
        return true;
    }

    [LoggerMessage(6001, LogLevel.Warning, "The cluster does not answer yet; the connection is tried again and again. {Reason}")]
    private partial void ClusterAway(string reason);
}
