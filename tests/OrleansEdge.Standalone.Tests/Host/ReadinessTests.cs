using Microsoft.Extensions.Hosting;
using OrleansEdge.Hosting.Health;

namespace OrleansEdge.Standalone.Tests.Host;

public sealed class ReadinessTests : IDisposable
{
    private readonly Lifetime _lifetime = new();
    private string? _first;
    private string? _second;

    private string State => new Readiness(_lifetime, [new ReadinessCondition(() => _first), new ReadinessCondition(() => _second)]).State;

    public void Dispose() => _lifetime.Dispose();

    [Fact]
    public void ProcessHasNotStarted_IsStarting()
    {
        Assert.Equal("starting", State);
        _lifetime.Start();
        Assert.Equal("ready", State);
    }

    [Fact]
    public void ConditionsDoNotHold_TheFirstGivesTheWord()
    {
        _lifetime.Start();
        (_first, _second) = ("waiting for one", "waiting for two");
        Assert.Equal("waiting for one", State);
        _first = null;
        Assert.Equal("waiting for two", State);
        _second = null;
        Assert.Equal("ready", State);
    }

    [Fact]
    public void ProcessStops_IsDrainingWhateverElseIsMissing()
    {
        _lifetime.Start();
        _first = "waiting for one";
        _lifetime.StopApplication();
        Assert.Equal("draining", State);
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _started = new();
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => _started.Token;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => default;

        public void Start() => _started.Cancel();

        public void StopApplication() => _stopping.Cancel();

        public void Dispose()
        {
            _started.Dispose();
            _stopping.Dispose();
        }
    }
}
