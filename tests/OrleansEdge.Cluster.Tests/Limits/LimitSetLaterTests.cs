using System.Net;
using OrleansEdge.Cluster.Tests.Failures;
using OrleansEdge.Cluster.Tests.Processes;

namespace OrleansEdge.Cluster.Tests.Limits;

/// <summary>A limit that is set while sessions are open on three gateways.</summary>
[Collection(ProcessTests.Name)]
public sealed class LimitSetLaterTests
{
    private const string Domain = "limited.example.com";
    private const string Tenant = "acme";
    private const int PerGateway = 10;
    private const int Limit = 30;

    [Fact]
    public async Task OpenSessionsCount_TheNextIsRefusedAndComesInWhenSomeHaveEnded()
    {
        await using var origin = await EchoOrigin.StartAsync();
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 1 });
        var admin = mesh.Silos[0].Admin;
        await admin.PutTenantAsync(Tenant);
        await admin.PutDomainAsync(Domain, origin.Port, Tenant, new() { ["timeoutSeconds"] = 0 });
        await AnsweredAsync(mesh.Gateways, HttpStatusCode.SwitchingProtocols);
        var sessions = await Task.WhenAll(mesh.Gateways.SelectMany(
            static gateway => Enumerable.Repeat(gateway, PerGateway).Select(static gateway => ObservedSession.OpenAsync(gateway, Domain))));

        await admin.PutDomainAsync(Domain, origin.Port, Tenant, new() { ["timeoutSeconds"] = 0, ["maxConnections"] = Limit });

        // Those that were asked for before may still be closing.
        await AnsweredAsync(mesh.Gateways, HttpStatusCode.TooManyRequests);
        sessions[0].Dispose();
        await AnsweredAsync([mesh.Gateways[2]], HttpStatusCode.SwitchingProtocols);
        Assert.All(sessions.Skip(1), static session => Assert.False(session.Ended.IsCompleted));
        foreach (var session in sessions)
        {
            session.Dispose();
        }
    }

    private static Task<long[]> AnsweredAsync(IEnumerable<GatewayProcess> gateways, HttpStatusCode answer)
        => Task.WhenAll(gateways.Select(gateway => ObservedSession.UntilAnsweredAsync(gateway, Domain, answer)));
}
