namespace OrleansEdge.Model;

/// <summary>Kind of billed traffic.</summary>
public enum UsageKind
{
    /// <summary>Frames of relayed WebSockets.</summary>
    Websocket,

    /// <summary>Bodies of all other HTTP requests and answers.</summary>
    Http,
}

/// <summary>Five minutes of UTC, labelled by their start.</summary>
/// <param name="Number">Periods of 300 s since 1970-01-01T00:00:00Z.</param>
public readonly record struct UsageBucket(int Number) : IComparable<UsageBucket>
{
    /// <summary>Length of a bucket.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromMinutes(5);

    /// <summary>First instant of the bucket.</summary>
    public DateTimeOffset Start => DateTimeOffset.UnixEpoch + (Number * Length);

    /// <summary>First instant after the bucket.</summary>
    public DateTimeOffset End => Start + Length;

    /// <summary>The hour that the bucket lies in.</summary>
    public UsageHour Hour => new(Number / UsageHour.Buckets);

    /// <summary>The bucket of an instant from 1970 on.</summary>
    public static UsageBucket At(DateTimeOffset time) => new((int)((time - DateTimeOffset.UnixEpoch).Ticks / Length.Ticks));

    /// <summary>Whether an instant is the bound of two buckets.</summary>
    public static bool IsBound(DateTimeOffset time) => time.UtcTicks % Length.Ticks == 0;

    /// <inheritdoc/>
    public int CompareTo(UsageBucket other) => Number.CompareTo(other.Number);

    /// <summary>Its start, ISO 8601. (What records print of themselves would go round in circles between bucket and hour.)</summary>
    public override string ToString() => $"{Start:yyyy-MM-ddTHH:mmZ}";

    /// <summary>Whether one bucket comes before another.</summary>
    public static bool operator <(UsageBucket a, UsageBucket b) => a.Number < b.Number;

    /// <summary>Whether one bucket comes after another.</summary>
    public static bool operator >(UsageBucket a, UsageBucket b) => a.Number > b.Number;

    /// <summary>Whether one bucket does not come after another.</summary>
    public static bool operator <=(UsageBucket a, UsageBucket b) => a.Number <= b.Number;

    /// <summary>Whether one bucket does not come before another.</summary>
    public static bool operator >=(UsageBucket a, UsageBucket b) => a.Number >= b.Number;
}

/// <summary>One hour of UTC: twelve buckets.</summary>
/// <param name="Number">Hours since 1970-01-01T00:00:00Z.</param>
public readonly record struct UsageHour(int Number) : IComparable<UsageHour>
{
    /// <summary>Buckets in an hour.</summary>
    public const int Buckets = 12;

    /// <summary>First instant of the hour.</summary>
    public DateTimeOffset Start => DateTimeOffset.UnixEpoch.AddHours(Number);

    /// <summary>First instant after the hour.</summary>
    public DateTimeOffset End => Start.AddHours(1);

    /// <summary>The first bucket of the hour.</summary>
    public UsageBucket FirstBucket => new(Number * Buckets);

    /// <summary>The month that the hour lies in.</summary>
    public UsageMonth Month => UsageMonth.At(Start);

    /// <summary>The hour of an instant from 1970 on.</summary>
    public static UsageHour At(DateTimeOffset time) => UsageBucket.At(time).Hour;

    /// <inheritdoc/>
    public int CompareTo(UsageHour other) => Number.CompareTo(other.Number);

    /// <summary>Its start, ISO 8601.</summary>
    public override string ToString() => $"{Start:yyyy-MM-ddTHHZ}";

    /// <summary>Whether one hour comes before another.</summary>
    public static bool operator <(UsageHour a, UsageHour b) => a.Number < b.Number;

    /// <summary>Whether one hour comes after another.</summary>
    public static bool operator >(UsageHour a, UsageHour b) => a.Number > b.Number;

    /// <summary>Whether one hour does not come after another.</summary>
    public static bool operator <=(UsageHour a, UsageHour b) => a.Number <= b.Number;

    /// <summary>Whether one hour does not come before another.</summary>
    public static bool operator >=(UsageHour a, UsageHour b) => a.Number >= b.Number;
}

/// <summary>One calendar month of UTC, the period of a statement.</summary>
/// <param name="Year">1970–9999.</param>
/// <param name="Month">1–12.</param>
public readonly record struct UsageMonth(int Year, int Month) : IComparable<UsageMonth>
{
    /// <summary>How long after the month's end its statement still takes corrections.</summary>
    public static readonly TimeSpan CorrectionWindow = TimeSpan.FromHours(72);

    /// <summary>First instant of the month.</summary>
    public DateTimeOffset Start => new(Year, Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>First instant after the month.</summary>
    public DateTimeOffset End => Start.AddMonths(1);

    /// <summary>When the statement closes: what arrives from then on for a bucket of the month is an adjustment on a later one.</summary>
    public DateTimeOffset ClosesAt => End + CorrectionWindow;

    /// <summary>The month after.</summary>
    public UsageMonth Next => At(End);

    /// <summary>The month before.</summary>
    public UsageMonth Previous => At(Start.AddTicks(-1));

    /// <summary>The month of an instant.</summary>
    public static UsageMonth At(DateTimeOffset time) => new(time.UtcDateTime.Year, time.UtcDateTime.Month);

    /// <summary>What the text of a month must be, as the end of a sentence about it.</summary>
    public const string Rule = "is not yyyy-MM, from 1970-01 to 9998-12";

    /// <summary>Reads <c>yyyy-MM</c>, from 1970-01 to 9998-12.</summary>
    public static bool TryParse(string text, out UsageMonth month)
    {
        month = default;
        if (!DateTime.TryParseExact(text, "yyyy-MM", System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.None, out var date)
            || date.Year is < 1970 or > 9998)
        {
            return false;
        }

        month = new(date.Year, date.Month);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(UsageMonth other) => ((Year * 12) + Month).CompareTo((other.Year * 12) + other.Month);

    /// <summary><c>yyyy-MM</c>.</summary>
    public override string ToString() => $"{Year:D4}-{Month:D2}";

    /// <summary>Whether one month comes before another.</summary>
    public static bool operator <(UsageMonth a, UsageMonth b) => a.CompareTo(b) < 0;

    /// <summary>Whether one month comes after another.</summary>
    public static bool operator >(UsageMonth a, UsageMonth b) => a.CompareTo(b) > 0;

    /// <summary>Whether one month does not come after another.</summary>
    public static bool operator <=(UsageMonth a, UsageMonth b) => a.CompareTo(b) <= 0;

    /// <summary>Whether one month does not come before another.</summary>
    public static bool operator >=(UsageMonth a, UsageMonth b) => a.CompareTo(b) >= 0;
}
