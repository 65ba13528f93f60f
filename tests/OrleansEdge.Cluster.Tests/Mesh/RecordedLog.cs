using Microsoft.Extensions.Logging;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Mesh;

/// <summary>Keeps what silos of this process log: the level, the category, the text.</summary>
internal sealed class RecordedLog : ILoggerProvider
{
    /// <summary>The lines.</summary>
    public OutputLines Lines { get; } = new();

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(categoryName, Lines);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Category(string name, OutputLines lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => lines.Add($"{logLevel} {name}: {formatter(state, exception)} {exception?.Message}");
    }
}
