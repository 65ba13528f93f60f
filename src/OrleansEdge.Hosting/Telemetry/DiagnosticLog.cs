using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace OrleansEdge.Hosting.Telemetry;

/// <summary>The log for people: standard error, one line each, never waited for.</summary>
public static class DiagnosticLog
{
    /// <summary>Warnings of the framework, life cycle of the edge; section <c>Logging</c> says otherwise.</summary>
    public static void AddDiagnosticLog(this ILoggingBuilder logging, IConfiguration configuration)
    {
        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddFilter("OrleansEdge", LogLevel.Information);
        // It warns with a stack trace of each client that goes away; what concerns origins the relay says itself.
        logging.AddFilter("Yarp", LogLevel.Error);
        logging.AddConfiguration(configuration.GetSection("Logging"));
        logging.AddConsole(console =>
        {
            console.FormatterName = DiagnosticLogFormatter.FormatterName;
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
        logging.AddConsoleFormatter<DiagnosticLogFormatter, ConsoleFormatterOptions>();
    }
}

/// <summary><c>2026-01-31T12:00:00.000Z warn OrleansEdge.Relay.Origins: text</c>, and the exception below it.</summary>
internal sealed class DiagnosticLogFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "edge";

    // Both are thrown too, and the start tells them in a sentence.
    private const int KestrelStartFailed = 6;
    private const int HostStartFailed = 11;

    /// <inheritdoc/>
    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        if (IsToldAtStart(logEntry.Category, logEntry.EventId.Id, logEntry.Exception))
        {
            return;
        }

        textWriter.Write(time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"));
        textWriter.Write(Word(logEntry.LogLevel));
        textWriter.Write(logEntry.Category);
        textWriter.Write(": ");
        WriteWithoutControls(logEntry.Formatter(logEntry.State, logEntry.Exception), textWriter);
        textWriter.WriteLine();
        if (logEntry.Exception is { } exception)
        {
            textWriter.WriteLine(exception);
        }
    }

    private static bool IsToldAtStart(string category, int eventId, Exception? exception)
        => exception is not null && (category, eventId) switch
        {
            ("Microsoft.AspNetCore.Server.Kestrel", KestrelStartFailed) => true,
            ("Microsoft.Extensions.Hosting.Internal.Host", HostStartFailed) => true,
            _ => false,
        };

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => " trace ",
        LogLevel.Debug => " debug ",
        LogLevel.Information => " info  ",
        LogLevel.Warning => " warn  ",
        LogLevel.Error => " error ",
        _ => " fatal ",
    };

    /// <summary>What a peer sent must not move the cursor or forge a line.</summary>
    private static void WriteWithoutControls(string text, TextWriter writer)
    {
        foreach (var character in text)
        {
            writer.Write(char.IsControl(character) ? '\uFFFD' : character);
        }
    }
}
