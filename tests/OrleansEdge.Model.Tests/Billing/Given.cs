using System.Collections.Immutable;

namespace OrleansEdge.Model.Tests.Billing;

/// <summary>Short words for what bills are made of. Times are minutes from the start of January 2026.</summary>
internal static class Given
{
    public static readonly UsageMonth January = new(2026, 1);

    public static DateTimeOffset At(double minutes) => January.Start.AddMinutes(minutes);

    public static UsageBucket Bucket(int minutes) => UsageBucket.At(At(minutes));

    public static PrepaidPlan Plan(string id, long bytes, int from, int to, UsageKind kind = UsageKind.Websocket, int bought = 0)
        => new(id, new(kind, bytes, At(from), At(to)), At(bought));

    public static PrepaidPlans Plans(params PrepaidPlan[] plans) => new([.. plans]);

    public static BillingTerms Terms(bool enabled = true, decimal websocket = 0, decimal http = 0, string currency = "USD")
        => new([new(DateTimeOffset.UnixEpoch, PayAsYouGo(enabled, websocket, http, currency))]);

    public static PayAsYouGoConfig PayAsYouGo(bool enabled = true, decimal websocket = 0, decimal http = 0, string currency = "USD")
        => new() { Enabled = enabled, Currency = currency, PricePerGB = new() { Websocket = websocket, Http = http } };

    public static UsageEntry Usage(int minutes, long bytes, string domain = "a.example", UsageKind kind = UsageKind.Websocket)
        => new(new(domain, kind, Bucket(minutes)), new() { BytesUp = bytes / 3, BytesDown = bytes - (bytes / 3), MessagesUp = 1, MessagesDown = 2, Sessions = 1 });

    public static UsageAdjustment Late(DateTimeOffset at, UsageEntry entry) => new(at, entry.Key, entry.Counts);

    /// <summary>Hours as a ledger gives them.</summary>
    public static IEnumerable<UsageHourTotals> Hours(IEnumerable<UsageEntry> entries, IEnumerable<UsageAdjustment> late)
    {
        var all = entries.Concat(late.Select(adjustment => new UsageEntry(adjustment.Key, adjustment.Delta))).GroupBy(entry => entry.Key.Bucket.Hour);
        return all.OrderBy(hour => hour.Key).Select(hour => new UsageHourTotals(
            hour.Key,
            [.. hour.GroupBy(entry => entry.Key, entry => entry.Counts).OrderBy(key => key.Key).Select(key => new UsageEntry(key.Key, key.Aggregate((a, b) => a + b)))],
            [.. late.Where(adjustment => adjustment.Key.Bucket.Hour == hour.Key).OrderBy(adjustment => adjustment.At)]));
    }

    public static PlanUse Used(params long[] bytes) => new(ImmutableArray.Create(bytes));
}
