using System.Buffers;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Telemetry;

/// <summary>One JSON line when a session opens, one when it ends, and one for a refused handshake. Calls never wait: lines go
/// through a bounded queue to one writer, and those that find it full are dropped and counted. Thread safe.</summary>
/// <remarks>Disposing writes what is queued, for at most two seconds. A file is opened again when it was renamed or removed
/// (looked at once a second at most), and at once on SIGHUP. Where the log goes to standard output SIGHUP keeps its default effect.</remarks>
public sealed partial class AccessLog : IAsyncDisposable
{
    internal const int QueueLength = 16384;
    private const int FlushBytes = 64 * 1024;
    private static readonly TimeSpan DisposeTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan DropReportInterval = TimeSpan.FromSeconds(10);

    private readonly Channel<AccessLogEntry> _queue = Channel.CreateBounded<AccessLogEntry>(
        new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private readonly ArrayBufferWriter<byte> _lines = new(FlushBytes);
    private readonly IAccessLogOutput _output;
    private readonly TimeProvider _time;
    private readonly RelayMetrics _metrics;
    private readonly ILogger<AccessLog> _logger;
    private readonly PosixSignalRegistration? _hangup;
    private readonly Task _writer;
    private bool _failing;
    private long _dropped;
    private long _droppedReported;
    private long _reportedAt;

    /// <summary>Opens the destination.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public AccessLog(IOptions<AccessLogOptions> options, TimeProvider time, RelayMetrics metrics, ILogger<AccessLog> logger)
        : this(OpenOutput(options, time), time, metrics, logger)
    {
    }

    internal AccessLog(IAccessLogOutput output, TimeProvider time, RelayMetrics metrics, ILogger<AccessLog> logger)
    {
        _output = output;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _reportedAt = time.GetTimestamp() - (DropReportInterval.Ticks * time.TimestampFrequency / TimeSpan.TicksPerSecond);
        _hangup = output is AccessLogFile file ? PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Reopen(file, context)) : null;
        // Standard output may block, so the writer keeps to a thread of its own.
        _writer = Task.Factory.StartNew(WriteAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>A session is open.</summary>
    /// <param name="session">The session at its start.</param>
    /// <param name="path">Path of the handshake's target; a query string is cut off.</param>
    public void Opened(SessionInfo session, string path)
    {
        ArgumentNullException.ThrowIfNull(session);
        Enqueue(new() { Event = AccessLogEvent.Open, Time = session.StartedAt, Session = session, Path = path });
    }

    /// <summary>A session has ended.</summary>
    /// <param name="session">The session with its final counts.</param>
    /// <param name="path">Path of the handshake's target; a query string is cut off.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="duration">From upgrade to end.</param>
    public void Closed(SessionInfo session, string path, SessionEnd end, TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(session);
        Enqueue(new() { Event = AccessLogEvent.Close, Time = _time.GetUtcNow(), Session = session, Path = path, End = end, Duration = duration });
    }

    /// <summary>A handshake was refused, by the edge or by the origin.</summary>
    /// <param name="id">Id that the session would have had.</param>
    /// <param name="time">When it was refused.</param>
    /// <param name="domain">The domain, where it was known.</param>
    /// <param name="tenant">Its tenant.</param>
    /// <param name="client">Address of the client, <c>ip:port</c>.</param>
    /// <param name="origin">Address of the origin where one was chosen.</param>
    /// <param name="path">Path of the handshake's target; a query string is cut off.</param>
    /// <param name="status">HTTP status of the answer.</param>
    /// <param name="code">Code of the refusal; it stands as the cause.</param>
    /// <param name="by">Who refused.</param>
    public void Refused(string id, DateTimeOffset time, string? domain, string? tenant, string client, string? origin, string path, int status, string code, EndedBy by)
        => Enqueue(new()
        {
            Event = AccessLogEvent.Refused,
            Time = time,
            Path = path,
            Refusal = new(id, domain, tenant, client, origin, status, code, by),
        });

    /// <summary>Writes what is queued and closes the destination.</summary>
    public async ValueTask DisposeAsync()
    {
        _hangup?.Dispose();
        _queue.Writer.TryComplete();
        try
        {
            await _writer.WaitAsync(DisposeTimeout, TimeProvider.System);
            _output.Dispose();
        }
        catch (TimeoutException)
        {
            OutputStuck(_logger, _output.Name, _queue.Reader.Count);
        }
    }

    private static IAccessLogOutput OpenOutput(IOptions<AccessLogOptions> options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        return string.IsNullOrEmpty(options.Value.Path) ? new AccessLogStandardOutput() : new AccessLogFile(options.Value.Path, time);
    }

    private static void Reopen(AccessLogFile file, PosixSignalContext context)
    {
        context.Cancel = true;
        file.RequestReopen();
    }

    private void Enqueue(AccessLogEntry entry)
    {
        if (!_queue.Writer.TryWrite(entry))
        {
            Drop(1);
        }
    }

    private void WriteAll()
    {
        using var renderer = new AccessLogRenderer(_lines);
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            var lines = 0;
            while (_lines.WrittenCount < FlushBytes && _queue.Reader.TryRead(out var entry))
            {
                renderer.Render(entry);
                lines++;
            }

            Flush(lines);
            ReportDrops();
        }
    }

    private void Flush(int lines)
    {
        try
        {
            _output.Write(_lines.WrittenSpan);
            _failing = false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Drop(lines);
            ReportFailure(failure);
        }

        _lines.ResetWrittenCount();
    }

    private void ReportFailure(Exception failure)
    {
        if (!_failing)
        {
            _failing = true;
            OutputFailed(_logger, _output.Name, failure.Message);
        }
    }

    private void Drop(int lines)
    {
        Interlocked.Add(ref _dropped, lines);
        _metrics.AccessLogDropped(lines);
    }

    private void ReportDrops()
    {
        var dropped = Interlocked.Read(ref _dropped);
        if (dropped != _droppedReported && _time.GetElapsedTime(_reportedAt) >= DropReportInterval)
        {
            LinesDropped(_logger, dropped - _droppedReported);
            _droppedReported = dropped;
            _reportedAt = _time.GetTimestamp();
        }
    }

    [LoggerMessage(1300, LogLevel.Warning, "The access log dropped {Lines} lines: its destination does not keep up or fails.")]
    private static partial void LinesDropped(ILogger logger, long lines);

    [LoggerMessage(1301, LogLevel.Error, "The access log cannot write to {Output}: {Reason}")]
    private static partial void OutputFailed(ILogger logger, string output, string reason);

    [LoggerMessage(1302, LogLevel.Warning, "The access log gives up on {Output}, which takes nothing; {Lines} queued lines are lost.")]
    private static partial void OutputStuck(ILogger logger, string output, int lines);
}

/// <summary>Settings of the access log, section <c>Edge:AccessLog</c>.</summary>
public sealed class AccessLogOptions
{
    /// <summary>File to append to; empty (default): standard output.</summary>
    public string? Path { get; set; }
}
