using System.Globalization;

namespace OrleansEdge.Model;

/// <summary>The JSON document that orders a plan. Thread safe.</summary>
public static class PlanDocument
{
    /// <summary>Most bytes of a plan.</summary>
    public const long MaxBytes = 1_000_000_000_000_000_000;

    /// <summary>Most years of a plan's validity.</summary>
    public const int MaxYears = 10;

    // Leaves the longest validity its place in the calendar.
    private static readonly DateTimeOffset LastTime = new(9989, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] TimeForms = ["yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'"];

    /// <summary>Reads and checks an order: <c>{ "kind", "bytes", "validFrom", "validTo" }</c>, all of them required.</summary>
    /// <param name="utf8">JSON text (RFC 8259) in UTF-8.</param>
    /// <param name="earliest">What validity may not begin before: the start of the earliest month whose statement is open
    /// (<see cref="StatementPeriod.EarliestOpen"/>), because a plan changes no closed statement.</param>
    /// <returns>The order, or all its faults.</returns>
    public static ConfigResult<PlanOrder> Parse(ReadOnlyMemory<byte> utf8, DateTimeOffset earliest)
    {
        using var json = DocumentFaults.ReadText(utf8, out var malformed);
        if (json is null)
        {
            return new([malformed!]);
        }

        var faults = new DocumentFaults();
        var reader = new ObjectReader(json.RootElement, "", faults);
        var order = new PlanOrder(ReadKind(reader), ReadBytes(reader), ReadBound(reader, "validFrom"), ReadBound(reader, "validTo"));
        if (!faults.Any)
        {
            CheckValidity(reader, order, earliest);
        }

        reader.End();
        return faults.Any ? new(faults.InOrderOf(json.RootElement)) : new(order);
    }

    private static UsageKind ReadKind(ObjectReader reader) => reader.Requires("kind") ? reader.Word("kind", UsageKind.Websocket) : default;

    private static long ReadBytes(ObjectReader reader) => reader.Requires("bytes") ? reader.Whole("bytes", 1L, 1, MaxBytes) : 0;

    private static DateTimeOffset ReadBound(ObjectReader reader, string name)
    {
        if (reader.RequiredText(name) is not { } text)
        {
            return default;
        }

        if (!DateTimeOffset.TryParseExact(text, TimeForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            reader.Fault(name, $"{DomainName.Quote(text)} is not a time of UTC such as 2026-11-01T00:00:00Z");
        }
        else if (!UsageBucket.IsBound(time))
        {
            reader.Fault(name, $"{DomainName.Quote(text)} is not a multiple of 5 minutes");
        }
        else if (time < DateTimeOffset.UnixEpoch || time > LastTime)
        {
            reader.Fault(name, $"{DomainName.Quote(text)} is not within 1970 and 9988");
        }

        return time;
    }

    private static void CheckValidity(ObjectReader reader, PlanOrder order, DateTimeOffset earliest)
    {
        if (order.ValidFrom < earliest)
        {
            reader.Fault("validFrom", $"is before {EdgeJson.FormatTime(earliest)}: the statements until then are closed");
        }

        if (order.ValidTo <= order.ValidFrom)
        {
            reader.Fault("validTo", "is not after validFrom");
        }
        else if (order.ValidTo > order.ValidFrom.AddYears(MaxYears))
        {
            reader.Fault("validTo", $"is more than {MaxYears} years after validFrom");
        }
    }
}
