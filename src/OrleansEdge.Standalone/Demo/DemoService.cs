using System.Text.Json;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Demo;

/// <summary>Sets the demo up on the first start with an empty data directory, and runs its server for as long as a domain points
/// to it. Its tenant and domains are ordinary documents: who deletes or changes them has the last word.</summary>
internal sealed partial class DemoService(
    IControlPlane control, IOptions<DemoOptions> options, DemoRecord record, TimeProvider time, ILogger<DemoService> logger) : IHostedService
{
    private const string Tenant = "demo";
    private const string Loopback = "127.0.0.1";
    private const string By = "edge";
    private static readonly string[] Domains = ["localhost", Loopback];
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private DemoServer? _server;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!options.Value.Enabled)
        {
            return;
        }

        var state = record.Read();
        if (state is { IsSetUp: true })
        {
            await StartServerAsync(state.Port, cancellationToken);
        }
        else if (state is not null || await IsEmptyAsync(cancellationToken))
        {
            await SetUpAsync(state?.Port ?? options.Value.Port, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>The record is written before the documents and completed after them: a start that was killed in between is continued.</summary>
    private async Task SetUpAsync(int preferredPort, CancellationToken cancellationToken)
    {
        _server = await DemoServer.StartAsync(preferredPort, time, cancellationToken)
            ?? await DemoServer.StartAsync(0, time, cancellationToken);
        var port = _server!.Port;
        record.Write(new(port, IsSetUp: false));
        var tenant = JsonSerializer.SerializeToUtf8Bytes(new { Tenant, Name = "Demo" }, Json);
        var faults = new List<string?> { FaultOf(await control.Tenants.PutAsync(Tenant, tenant, new(IfNoneMatch: true), By, cancellationToken)) };
        foreach (var domain in Domains)
        {
            var document = JsonSerializer.SerializeToUtf8Bytes(
                new { Domain = domain, Tenant, Origins = new[] { new { Address = Loopback, HttpPort = port } }, WebSocket = new { OriginProtocol = "http" } }, Json);
            faults.Add(FaultOf(await control.Domains.PutAsync(domain, document, new(IfNoneMatch: true), By, cancellationToken)));
        }

        if (faults.FirstOrDefault(fault => fault is not null) is { } first)
        {
            DemoNotSetUp(logger, first);
            return;
        }

        record.Write(new(port, IsSetUp: true));
        DemoSetUp(logger, port);
    }

    private async Task StartServerAsync(int port, CancellationToken cancellationToken)
    {
        if (!await IsPointedToAsync(port, cancellationToken))
        {
            return;
        }

        _server = await DemoServer.StartAsync(port, time, cancellationToken);
        if (_server is null)
        {
            DemoPortTaken(logger, port);
        }
    }

    private async Task<bool> IsPointedToAsync(int port, CancellationToken cancellationToken)
    {
        foreach (var name in Domains)
        {
            var domain = await control.Domains.GetAsync(name, cancellationToken);
            if (domain.Failure is null && domain.Value.Document.Origins.Any(origin => origin.Address == Loopback && origin.HttpPort == port))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether nobody ever created anything: documents put there by hand count, deleted ones are in the audit.</summary>
    private async Task<bool> IsEmptyAsync(CancellationToken cancellationToken)
    {
        var one = new PageRequest(null, 1);
        return IsEmpty(await control.Tenants.ListAsync(one, cancellationToken))
            && IsEmpty(await control.Domains.ListAsync(one, cancellationToken))
            && IsEmpty(await control.ListBrokenAsync(one, cancellationToken))
            && IsEmpty(await control.ListAuditAsync(one, cancellationToken));
    }

    private static bool IsEmpty<T>(ControlResult<Page<T>> page) => page.Failure is null && page.Value.Items.Count == 0;

    private static string? FaultOf<T>(ControlResult<PutOutcome<T>> put) => put.Failure switch
    {
        null or { Kind: ControlFailureKind.PreconditionFailed } => null,
        { Errors: [var error, ..] } failure => $"{failure.Detail} {error.Path}: {error.Message}",
        var failure => failure.Detail,
    };

    [LoggerMessage(5010, LogLevel.Information, "The data directory was empty: the demo is set up, its server listens on port {Port} of the loopback.")]
    private static partial void DemoSetUp(ILogger logger, int port);

    [LoggerMessage(5011, LogLevel.Warning, "The demo's documents could not be written: {Reason}")]
    private static partial void DemoNotSetUp(ILogger logger, string reason);

    [LoggerMessage(5012, LogLevel.Warning, "The demo does not run: its port {Port} is taken. Free it and start again, or delete the domains localhost and 127.0.0.1.")]
    private static partial void DemoPortTaken(ILogger logger, int port);
}
