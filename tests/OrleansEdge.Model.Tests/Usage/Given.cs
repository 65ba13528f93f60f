using System.Buffers;

namespace OrleansEdge.Model.Tests.Usage;

/// <summary>Short words for usage.</summary>
internal static class Given
{
    public static readonly UsageHour Hour = UsageHour.At(new(2026, 11, 30, 19, 0, 0, TimeSpan.Zero));

    public static readonly UsageShard Shard = new("acme", Hour);

    /// <summary>In the middle of the hour.</summary>
    public static readonly DateTimeOffset InTime = Hour.Start.AddMinutes(30);

    /// <summary>After the statement has closed.</summary>
    public static readonly DateTimeOffset Late = Hour.Month.ClosesAt.AddMinutes(1);

    public static readonly UsageSourceId A = new(0xA);

    public static readonly UsageSourceId B = new(0xB);

    public static UsageKey Key(int bucket = 0, string domain = "chat.example.com", UsageKind kind = UsageKind.Websocket)
        => new(domain, kind, new(Hour.FirstBucket.Number + bucket));

    public static UsageEntry Up(long bytes, int bucket = 0) => new(Key(bucket), new() { BytesUp = bytes });

    public static UsageReport Report(UsageSourceId source, long number, long acknowledged, params UsageEntry[] entries)
        => new() { Source = source, Gateway = "a", Shard = Shard, Number = number, Acknowledged = acknowledged, Entries = entries };

    /// <summary>A report of what a sealed source left.</summary>
    public static UsageReport ReportAfter(UsageSourceId sealedOne, UsageEntry[] sealedValues, long number, long acknowledged, params UsageEntry[] entries)
        => Report(sealedOne.Successor(), number, acknowledged, entries) with { Predecessor = UsagePredecessor.Of(sealedOne, sealedValues) };

    public static byte[] Bytes(UsageShardLedger ledger)
    {
        var output = new ArrayBufferWriter<byte>();
        ledger.Write(output);
        return output.WrittenSpan.ToArray();
    }

    public static UsageShardLedger Copy(UsageShardLedger ledger) => UsageShardLedger.Read(ledger.Shard, Bytes(ledger));

    public static UsageCounts Random(Random random) => new()
    {
        BytesUp = random.Next(3) == 0 ? 0 : random.NextInt64(1L << random.Next(1, 30)),
        BytesDown = random.NextInt64(1L << random.Next(1, 30)),
        MessagesUp = random.Next(3),
        MessagesDown = random.Next(1000),
        Sessions = random.Next(2),
        SessionMilliseconds = random.Next(300_000),
        OriginBytesUp = random.Next(1000),
        OriginBytesDown = random.NextInt64(1L << 30),
        EdgeBytesUp = random.Next(4) * 6,
        EdgeBytesDown = random.Next(4) * 2,
    };
}
