using System.Text;
using OrleansEdge.Contracts;

namespace OrleansEdge.Cluster.Tests.ControlPlane;

/// <summary>What only other Orleans clients can ask the admin grain: the port and the admin API let none of it through.</summary>
public sealed class AdminGrainTests : IAsyncLifetime
{
    private static readonly PreconditionWire Always = new(IfMatch: null, IfNoneMatch: false, MustExist: false);
    private static readonly DateTimeOffset Start = new(2026, 1, 31, 0, 0, 0, TimeSpan.Zero);

    private ClusterHarness _harness = null!;

    private IAdminGrain Admin => _harness.Mesh.Grains.GetGrain<IAdminGrain>(0);

    public async Task InitializeAsync() => _harness = await ClusterHarness.StartAsync();

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Fact]
    public async Task WhatIsNoName_IsNotFoundOrInvalid_AndWakesNoGrain()
    {
        var put = await Admin.PutDomainAsync("not a name", "{}"u8.ToArray(), Always, "alice");
        Assert.Equal("config_invalid", put.Failure?.Code);
        Assert.NotEmpty(put.Failure!.Errors);
        Assert.Equal("not_found", (await Admin.RollbackDomainAsync("not a name", 1, Always, "alice")).Failure?.Code);
        Assert.Equal("not_found", (await Admin.ListTenantVersionsAsync("", new(null, 10))).Failure?.Code);
        Assert.Equal("not_found", (await Admin.ListPlansAsync("no tenant", new(null, 10))).Failure?.Code);
        Assert.Equal("not_found", (await Admin.DrainGatewayAsync("", "alice")).Failure?.Code);
    }

    [Theory]
    [InlineData("2026-13")]
    [InlineData("January")]
    public async Task WhatIsNoMonth_IsInvalid(string month)
        => Assert.Equal(("parameter_invalid", "month is not yyyy-MM, from 1970-01 to 9998-12."), FaultOf(await Admin.GetStatementAsync("acme", month)));

    [Fact]
    public async Task QueryThatBreaksARule_IsInvalid()
    {
        Assert.Equal(("parameter_invalid", "interval is not 300, 3600 or 86400."), FaultOf(await QueryAsync(Start, Start.AddHours(1), 7)));
        Assert.Equal(("parameter_invalid", "from is not before to."), FaultOf(await QueryAsync(Start, Start, 300)));
        Assert.Equal("parameter_invalid", FaultOf(await QueryAsync(Start, DateTimeOffset.MaxValue, 300)).Code);
        Assert.Equal("idempotency_key_invalid", FaultOf(await Admin.BuyPlanAsync("acme", [], "", "alice")).Code);
    }

    [Fact]
    public async Task AnyFormOfAName_IsTheSameDomain()
    {
        await Admin.PutTenantAsync("acme", """{ "tenant": "acme" }"""u8.ToArray(), Always, "alice");
        var domain = """{ "domain": "chat.example.com", "tenant": "acme", "origins": [ { "address": "127.0.0.1" } ] }""";
        Assert.Null((await Admin.PutDomainAsync("CHAT.example.com.", Encoding.UTF8.GetBytes(domain), Always, "alice")).Failure);
        Assert.Single((await Admin.ListDomainVersionsAsync("Chat.Example.com", new(null, 10))).Value!.Items);
        Assert.Null((await Admin.ListDomainGatewaysAsync("Chat.Example.com", new(null, 10))).Failure);
        var sessions = await Admin.ListSessionsAsync(new("Chat.Example.com", null, null), new(null, 10));
        Assert.Empty(sessions.Value!.Items);
    }

    private static (string? Code, string? Detail) FaultOf<T>(Reply<T> reply) => (reply.Failure?.Code, reply.Failure?.Detail);

    private Task<Reply<byte[]>> QueryAsync(DateTimeOffset from, DateTimeOffset to, int interval)
        => Admin.QueryUsageAsync("acme", new() { From = from, To = to, Interval = interval });
}
