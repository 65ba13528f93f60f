using System.Globalization;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Answers;

namespace OrleansEdge.Admin.Requests;

/// <summary>The query parameters <c>from</c> and <c>to</c>: ISO 8601 with an offset, or a date, which begins in UTC.</summary>
/// <param name="From">Start, from 1970 on.</param>
/// <param name="To">End, not included, after the start and at most in the year 9998.</param>
internal readonly record struct TimeRange(DateTimeOffset From, DateTimeOffset To)
{
    /// <summary>Names of the parameters.</summary>
    public static readonly string[] Parameters = ["from", "to"];

    // How far back a range begins that only has an end.
    private static readonly TimeSpan DefaultLength = TimeSpan.FromHours(24);

    private static readonly DateTimeOffset Latest = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Formats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>Reads the range: the last 24 hours where nothing is given, the 24 hours before <c>to</c> where only that is.</summary>
    public static Problem? TryRead(IQueryCollection query, DateTimeOffset now, out TimeRange range)
    {
        range = default;
        if (TryReadTime(query, "to", now, out var to) is { } badEnd)
        {
            return badEnd;
        }

        if (TryReadTime(query, "from", DefaultStart(to), out var from) is { } badStart)
        {
            return badStart;
        }

        range = new TimeRange(from, to);
        return from < to ? null : Query.Invalid("from", "is not before to");
    }

    private static DateTimeOffset DefaultStart(DateTimeOffset to)
        => to - DateTimeOffset.UnixEpoch > DefaultLength ? to - DefaultLength : DateTimeOffset.UnixEpoch;

    private static Problem? TryReadTime(IQueryCollection query, string name, DateTimeOffset otherwise, out DateTimeOffset time)
    {
        time = otherwise;
        return Query.Value(query, name) is { } text && FaultOf(text, out time) is { } fault ? Query.Invalid(name, fault) : null;
    }

    private static string? FaultOf(string text, out DateTimeOffset time)
    {
        // A plus sign that the caller did not escape arrives as a blank; there is no other place for a blank.
        text = text.Replace(' ', '+');
        if (!DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time))
        {
            return "is neither a time with an offset, such as 2026-11-24T08:00:00Z or 2026-11-24T09:00:00+01:00, nor a date such as 2026-11-24";
        }

        if (!HasOffset(text))
        {
            return $"has no offset: write {text}Z for UTC";
        }

        return time < DateTimeOffset.UnixEpoch || time >= Latest ? "is not in the years 1970 to 9998" : null;
    }

    private static bool HasOffset(string text)
        => text.IndexOf('T', StringComparison.Ordinal) is var clock && (clock < 0 || text.AsSpan(clock).ContainsAny('Z', '+', '-'));
}
