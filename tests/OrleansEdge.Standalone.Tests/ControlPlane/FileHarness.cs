using OrleansEdge.Model;
using OrleansEdge.PortContracts;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Tests.Billing;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

/// <summary>A control plane on a temporary data directory, whose clock stands still unless a test moves it.</summary>
internal sealed class FileHarness : ControlPlaneHarness
{
    private FileControlPlane? _plane;

    public FileHarness(bool start = true)
    {
        Ledger = new(Time);
        if (start)
        {
            Start();
        }
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("orleans-edge-").FullName;

    public ManualTime Time { get; } = new();

    public RecordedLog Log { get; } = new();

    public ScriptedGateway Gateway { get; } = new();

    public MemoryUsage Ledger { get; }

    public DocumentLimits Limits { get; set; } = new();

    public FileControlPlane Plane => _plane ?? throw new InvalidOperationException("the control plane is not started");

    public override IControlPlane Control => Plane;

    public override IDomainSource Source => Plane;

    public override string GatewayName => ScriptedGateway.Name;

    public override TimeSpan ChangeDelay => TimeSpan.Zero;

    public override IUsageSink Usage => Plane.Usage;

    public override DateTimeOffset Now => Time.GetUtcNow();

    public override bool IsDraining => Gateway.IsDraining;

    public void Start() => _plane = new(Folder, Time, Log, Limits, Gateway, _ => Ledger);

    public void Stop()
    {
        _plane?.Dispose();
        _plane = null;
    }

    public string PathOf(params string[] parts) => Path.Combine([Folder, .. parts]);

    public override Task MoveToAsync(DateTimeOffset time)
    {
        Time.Advance(time - Now);
        return Task.CompletedTask;
    }

    public override Task OpenSessionAsync(SessionInfo session)
    {
        Gateway.Open(session);
        return Task.CompletedTask;
    }

    public override Task RestartAsync()
    {
        Stop();
        Start();
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        Stop();
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
