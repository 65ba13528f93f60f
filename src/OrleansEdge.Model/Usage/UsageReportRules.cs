using System.Text;

namespace OrleansEdge.Model;

/// <summary>What every report must be, whatever the ledger holds.</summary>
public static class UsageReportRules
{
    /// <summary>Every count is below this, 2^50: no key gains as much in five minutes, and sums over thousands of sources stay within
    /// 64 bits.</summary>
    public const long CountBound = 1L << 50;

    /// <summary>Longest owner and longest name of a domain, in characters.</summary>
    public const int MaxNameLength = 1024;

    /// <summary>Passes a report that is well formed.</summary>
    /// <exception cref="ArgumentException">A number below 1, or below what it acknowledges; an owner or a domain that is not text of at most
    /// <see cref="MaxNameLength"/>; a key that is there twice, of no kind, or outside the hour; a count that is negative or not below
    /// <see cref="CountBound"/>; a source that is not the successor of the one that it names.</exception>
    public static void Check(UsageReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (FindFault(report) is { } fault)
        {
            throw new ArgumentException($"The usage report is malformed: {fault}.", nameof(report));
        }
    }

    private static string? FindFault(UsageReport report) => report switch
    {
        { Number: < 1 } => "its number is below 1",
        { Acknowledged: < 0 } => "it acknowledges a negative number",
        _ when report.Acknowledged > report.Number => "it acknowledges a number above its own",
        _ when !IsName(report.Shard.Owner) || report.Shard.Owner.Length == 0 => "its owner is no name",
        { Shard.Hour.Number: < 0 } => "its hour is before 1970",
        { Predecessor: { } before } when before.Source.Successor() != report.Source => "its source is not the successor of the one before",
        _ => FindFault(report.Shard.Hour, report.Entries),
    };

    private static string? FindFault(UsageHour hour, IReadOnlyList<UsageEntry> entries)
    {
        var isOrdered = true;
        for (var index = 0; index < entries.Count; index++)
        {
            if (FindFault(hour, entries[index]) is { } fault)
            {
                return fault;
            }

            isOrdered &= index == 0 || entries[index - 1].Key < entries[index].Key;
        }

        return isOrdered || HasEachKeyOnce(entries) ? null : "a key is there twice";
    }

    private static string? FindFault(UsageHour hour, in UsageEntry entry) => entry.Key switch
    {
        { Bucket.Number: < 0 } => "a bucket is before 1970",
        { Kind: not (UsageKind.Websocket or UsageKind.Http) } => "a key is of no kind",
        var key when key.Bucket.Hour != hour => "a bucket lies outside its hour",
        var key when !IsName(key.Domain) => "a domain is no name",
        _ => IsWithin(entry.Counts) ? null : "a count is negative or too high",
    };

    private static bool HasEachKeyOnce(IReadOnlyList<UsageEntry> entries)
    {
        var keys = new HashSet<UsageKey>(entries.Count);
        return entries.All(entry => keys.Add(entry.Key));
    }

    private static bool IsName(string? text) => text?.Length <= MaxNameLength && (Ascii.IsValid(text) || IsUnicode(text));

    // Half a surrogate pair cannot be stored.
    private static bool IsUnicode(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsWithin(in UsageCounts counts)
    {
        // Of a negative number the highest bit is set.
        var bits = counts.BytesUp | counts.BytesDown | counts.MessagesUp | counts.MessagesDown | counts.Sessions | counts.SessionMilliseconds
            | counts.OriginBytesUp | counts.OriginBytesDown | counts.EdgeBytesUp | counts.EdgeBytesDown;
        return bits is >= 0 and < CountBound;
    }
}
