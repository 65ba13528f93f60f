using OrleansEdge.PortContracts;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

public class FileDocuments : DocumentContract
{
    protected override Task<ControlPlaneHarness> StartAsync() => Task.FromResult<ControlPlaneHarness>(new FileHarness());
}

public class FileDomainSource : DomainSourceContract
{
    protected override Task<ControlPlaneHarness> StartAsync() => Task.FromResult<ControlPlaneHarness>(new FileHarness());
}

public class FileOperations : OperationsContract
{
    protected override Task<ControlPlaneHarness> StartAsync() => Task.FromResult<ControlPlaneHarness>(new FileHarness());
}

public class FileBillingContract : BillingContract
{
    protected override Task<ControlPlaneHarness> StartAsync() => Task.FromResult<ControlPlaneHarness>(new FileHarness());
}
