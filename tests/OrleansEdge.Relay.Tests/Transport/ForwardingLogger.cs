using Microsoft.Extensions.Logging;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>A typed logger into <see cref="LogLines"/>.</summary>
internal sealed class ForwardingLogger<T> : ILogger<T>
{
    private readonly LogLines _lines;

    public ForwardingLogger(out LogLines lines) => _lines = lines = new LogLines();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Log(logLevel, eventId, state, exception, formatter);
}
