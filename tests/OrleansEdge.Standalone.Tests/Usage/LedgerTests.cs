using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Tests.Usage;

/// <summary>A ledger on files, and short words for reporting to it.</summary>
public abstract class LedgerTests : IAsyncLifetime
{
    protected const string Acme = "acme";

    protected static readonly UsageSourceId A = new(0xA);
    protected static readonly UsageSourceId B = new(0xB);

    private protected LedgerHarness Harness { get; } = new(start: false);

    protected UsageHour Hour => UsageHour.At(Harness.Now);

    public Task InitializeAsync()
    {
        Harness.Start();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await Harness.DisposeAsync();

    protected static UsageEntry Up(UsageHour hour, long bytes, int bucket = 0, string domain = "chat.example.com")
        => new(new(domain, UsageKind.Websocket, new(hour.FirstBucket.Number + bucket)), new() { BytesUp = bytes });

    protected static UsageReport Report(UsageHour hour, UsageSourceId source, long number, long acknowledged, long bytes, string owner = Acme)
        => new()
        {
            Source = source,
            Gateway = "edge",
            Shard = new(owner, hour),
            Number = number,
            Acknowledged = acknowledged,
            Entries = bytes == 0 ? [] : [Up(hour, bytes)],
        };

    protected async Task<UsageReplyKind> ReportAsync(UsageReport report)
        => Assert.Single(await Harness.Ledger.ReportAsync([report], CancellationToken.None)).Kind;

    protected Task<UsageReplyKind> ReportAsync(long number, long bytes, string owner = Acme) => ReportAsync(Report(Hour, A, number, number - 1, bytes, owner));

    /// <summary>Bytes up of an owner in an hour, all buckets.</summary>
    protected long Total(string owner = Acme, UsageHour? hour = null)
    {
        var from = hour ?? Hour;
        return Harness.Ledger.Read(owner, from, new(from.Number + 1)).SelectMany(totals => totals.Entries).Sum(entry => entry.Counts.BytesUp);
    }
}
