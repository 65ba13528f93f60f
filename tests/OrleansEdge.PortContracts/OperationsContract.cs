using OrleansEdge.Model;

namespace OrleansEdge.PortContracts;

/// <summary>Sessions and gateways.</summary>
public abstract class OperationsContract : ControlPlaneContract
{
    [Fact]
    public async Task Sessions_AreListedByIdInPages()
    {
        foreach (var id in new[] { "s3", "s1", "s2", "s5", "s4" })
        {
            await Harness.OpenSessionAsync(Session(id));
        }

        for (var limit = 1; limit <= 6; limit++)
        {
            var all = await AllPagesAsync(limit, page => Control.ListSessionsAsync(default, page, None));
            Assert.Equal(["s1", "s2", "s3", "s4", "s5"], all.Select(session => session.Id));
        }
    }

    [Fact]
    public async Task Sessions_AreFilteredByDomainTenantAndGateway()
    {
        await Harness.OpenSessionAsync(Session("s1"));
        await Harness.OpenSessionAsync(Session("s2", domain: "other.example"));
        await Harness.OpenSessionAsync(Session("s3", tenant: "other"));

        Assert.Equal(["s1", "s3"], await IdsAsync(new(Domain: Chat)));
        Assert.Equal(["s1", "s3"], await IdsAsync(new(Domain: "CHAT.example.com.")));
        Assert.Equal(["s1", "s2"], await IdsAsync(new(Tenant: "acme")));
        Assert.Equal(["s1"], await IdsAsync(new(Chat, "acme", Harness.GatewayName)));
        Assert.Equal(["s1", "s2", "s3"], await IdsAsync(new(Gateway: Harness.GatewayName)));
        Assert.Empty(await IdsAsync(new(Gateway: "elsewhere")));
        Assert.Empty(await IdsAsync(new(Domain: "unknown.example")));
    }

    [Fact]
    public async Task SessionEnded_IsGoneAndInTheAudit()
    {
        await Harness.OpenSessionAsync(Session("s1"));
        await Harness.OpenSessionAsync(Session("s2"));

        Assert.True(Answer(await Control.EndSessionAsync("s1", "alice", None)));

        await EventuallyAsync(async () => !(await IdsAsync(default)).Contains("s1"), "the session is gone");
        Failure(await Control.EndSessionAsync("s1", "alice", None), ControlFailureKind.NotFound, "not_found");
        Assert.Equal(["s2"], await IdsAsync(default));
        Assert.Equal([("alice", "end", "session", "s1", null)], await AuditAsync());
    }

    [Fact]
    public async Task SessionThatIsNotOpen_IsNotFoundAndNotInTheAudit()
    {
        Failure(await Control.EndSessionAsync("nothing", "alice", None), ControlFailureKind.NotFound, "not_found");

        Assert.Empty(await AuditAsync());
    }

    [Fact]
    public async Task Gateways_AreListed()
    {
        var page = Answer(await Control.ListGatewaysAsync(new(), None));

        var gateway = Assert.Single(page.Items);
        Assert.Equal((Harness.GatewayName, GatewayState.Ready), (gateway.Name, gateway.State));
        Assert.Null(page.Next);
        Assert.Empty(Answer(await Control.ListGatewaysAsync(new(After: Harness.GatewayName), None)).Items);
    }

    [Fact]
    public async Task GatewayTold_DrainsAndSaysSo()
    {
        var gateway = Answer(await Control.DrainGatewayAsync(Harness.GatewayName, "alice", None));

        Assert.Equal(GatewayState.Draining, gateway.State);
        Assert.True(Harness.IsDraining);
        Assert.Equal([("alice", "drain", "gateway", Harness.GatewayName, null)], await AuditAsync());
    }

    [Fact]
    public async Task UnknownGateway_IsNotFound()
    {
        Failure(await Control.DrainGatewayAsync("elsewhere", "alice", None), ControlFailureKind.NotFound, "not_found");

        Assert.False(Harness.IsDraining);
        Assert.Empty(await AuditAsync());
    }

    [Fact]
    public async Task DomainOnGateways_IsThereAtItsVersion()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat);
        await PutDomainAsync(Chat);

        await EventuallyAsync(
            async () => Answer(await Control.ListDomainGatewaysAsync("Chat.example.com", new(), None)).Items
                .SequenceEqual([new DomainOnGateway(Harness.GatewayName, 2)]),
            "the gateway has version 2");
        Failure(await Control.ListDomainGatewaysAsync("unknown.example", new(), None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.ListDomainGatewaysAsync("below.chat.example.com", new(), None), ControlFailureKind.NotFound, "not_found");
    }

    private SessionInfo Session(string id, string domain = Chat, string tenant = "acme") => new()
    {
        Id = id,
        Domain = domain,
        Tenant = tenant,
        Gateway = Harness.GatewayName,
        Client = "192.0.2.1:5000",
        Origin = "10.0.0.5:80",
        Protocol = "http/1.1",
        StartedAt = DateTimeOffset.UnixEpoch,
        LastActivityAt = DateTimeOffset.UnixEpoch,
    };

    private async Task<List<string>> IdsAsync(SessionFilter filter)
        => [.. Answer(await Control.ListSessionsAsync(filter, new(), None)).Items.Select(session => session.Id)];

    private async Task<List<(string By, string Action, string Kind, string Name, long? Version)>> AuditAsync()
        => [.. Answer(await Control.ListAuditAsync(new(), None)).Items.Select(entry => (entry.By, entry.Action, entry.Kind, entry.Name, entry.Version))];
}
