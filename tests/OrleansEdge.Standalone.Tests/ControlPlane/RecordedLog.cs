using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

/// <summary>Keeps what was logged.</summary>
internal sealed class RecordedLog : ILogger<FileControlPlane>
{
    private readonly ConcurrentQueue<(LogLevel Level, int Id, string Text)> _events = new();

    public IReadOnlyCollection<(LogLevel Level, int Id, string Text)> Events => _events;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => _events.Enqueue((logLevel, eventId.Id, formatter(state, exception)));
}
