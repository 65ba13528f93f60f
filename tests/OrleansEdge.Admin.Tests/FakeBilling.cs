using System.Text;
using System.Text.Json;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Tests;

/// <summary>Usage and plans in memory. Whatever was ever asked for stands in <see cref="LastQuery"/> and its like.</summary>
/// <param name="tenants">Whose plans can be bought. A tenant that was deleted stays readable.</param>
internal sealed class FakeBilling(FakeDocumentStore<TenantConfig> tenants) : IBilling
{
    public static readonly DateTimeOffset Start = new(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);

    private static readonly UsageTotal Counts = new(5_000_000_000, 2, 3, 4, 5, 6);

    private readonly Dictionary<string, (string Order, PlanInfo Plan)> _orders = new(StringComparer.Ordinal);

    public UsageQuery? LastQuery { get; private set; }

    public UsageMonth? LastMonth { get; private set; }

    public (DateTimeOffset From, DateTimeOffset To)? LastRange { get; private set; }

    public List<string> Keys { get; } = [];

    public List<string> Callers { get; } = [];

    public async Task<ControlResult<UsageAnswer>> QueryUsageAsync(string tenant, UsageQuery query, CancellationToken cancellationToken)
    {
        LastQuery = query;
        if (await RefuseAsync(tenant) is { } failure)
        {
            return failure;
        }

        return (query.To - query.From).TotalSeconds / query.Interval > UsageQuery.MaxPoints
            ? new ControlFailure(ControlFailureKind.Invalid, "range_too_big", "These are more points than an answer has.")
            : new UsageAnswer(tenant, query.From, query.To, query.Interval, [Point(UsageKind.Websocket), Point(UsageKind.Http)], Counts);
    }

    public async Task<ControlResult<Page<PlanInfo>>> ListPlansAsync(string tenant, PageRequest page, CancellationToken cancellationToken)
        => await RefuseAsync(tenant) is { } failure ? failure : FakeControlPlane.Page(_orders.Values.Select(order => (order.Plan.Id, order.Plan)), page);

    public async Task<ControlResult<PlanInfo>> GetPlanAsync(string tenant, string id, CancellationToken cancellationToken)
        => await RefuseAsync(tenant) is { } failure ? failure
            : _orders.Values.FirstOrDefault(order => order.Plan.Id == id).Plan is { } plan ? plan with { UsedBytes = 7 }
            : FakeControlPlane.NotFound;

    public async Task<ControlResult<PlanInfo>> BuyPlanAsync(string tenant, ReadOnlyMemory<byte> json, string idempotencyKey, string by, CancellationToken cancellationToken)
    {
        Keys.Add(idempotencyKey);
        Callers.Add(by);
        var order = Encoding.UTF8.GetString(json.Span);
        if (await RefuseAsync(tenant) is { } failure)
        {
            return failure;
        }

        if (_orders.TryGetValue(idempotencyKey, out var earlier))
        {
            return earlier.Order == order ? earlier.Plan : new ControlFailure(ControlFailureKind.Conflict, "idempotency_key_reused", "Another order came under the key.");
        }

        var plan = Read(order, $"plan {_orders.Count + 1}");
        _orders[idempotencyKey] = (order, plan);
        return plan;
    }

    public async Task<ControlResult<Statement>> GetStatementAsync(string tenant, UsageMonth month, CancellationToken cancellationToken)
    {
        LastMonth = month;
        return await RefuseAsync(tenant) is { } failure ? failure : Statement(tenant, month);
    }

    public Task<ControlResult<Page<Reconciliation>>> ReconcileAsync(DateTimeOffset from, DateTimeOffset to, PageRequest page, CancellationToken cancellationToken)
    {
        LastRange = (from, to);
        var item = new Reconciliation(Start, UsageKind.Websocket, Counts, Counts, 8, 9);
        return Task.FromResult(FakeControlPlane.Page([("1", item), ("2", item with { Kind = UsageKind.Http })], page));
    }

    public async Task<ControlResult<WebhookInfo>> GetWebhookAsync(string tenant, CancellationToken cancellationToken)
        => await RefuseAsync(tenant) is { } failure ? failure : new WebhookInfo(null, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

    private async Task<ControlFailure?> RefuseAsync(string tenant)
    {
        var current = await tenants.GetAsync(tenant, CancellationToken.None);
        return current.Failure is { Kind: not ControlFailureKind.NotFound } failure
            ? failure
            : (await tenants.ListVersionsAsync(tenant, new PageRequest(null), CancellationToken.None)).Failure;
    }

    private static UsagePoint Point(UsageKind kind) => new(Start, "chat.example.com", kind, 5_000_000_000, 2, 3, 4, 5, 6);

    private static PlanInfo Read(string order, string id)
    {
        using var json = JsonDocument.Parse(order);
        var root = json.RootElement;
        return new(
            id,
            root.GetProperty("kind").Deserialize<UsageKind>(EdgeJson.Options),
            root.GetProperty("bytes").GetInt64(),
            root.GetProperty("validFrom").GetDateTimeOffset(),
            root.GetProperty("validTo").GetDateTimeOffset(),
            0);
    }

    private static Statement Statement(string tenant, UsageMonth month) => new()
    {
        Tenant = tenant,
        Month = month.ToString(),
        State = "open",
        ClosesAt = month.ClosesAt,
        Lines =
        [
            new("chat.example.com", UsageKind.Websocket, "USD", 0.12m, 5_000_000_000, 2, 3, 4, 5, 2, 5_000_000_000, 0.60m),
            new("chat.example.com", UsageKind.Http, "USD", null, 1, 2, 3, 4, 5, 0, 3, 0),
        ],
        Adjustments = [new(month.Previous.ToString(), "chat.example.com", UsageKind.Websocket, "JPY", 15m, 1, 2, 3, 0, 0)],
        Plans = [new("plan 1", UsageKind.Websocket, 1_000, month.Start, month.End, 0, 5)],
        Totals = [new("USD", 0.60m)],
    };
}
