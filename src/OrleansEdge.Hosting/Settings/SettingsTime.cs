using System.Globalization;

namespace OrleansEdge.Hosting.Settings;

/// <summary>Times as people write them.</summary>
internal static class SettingsTime
{
    /// <summary>Plain numbers are seconds; <see cref="TimeSpan.Parse(string)"/> would read them as days.</summary>
    /// <returns><see langword="null"/> where it is no time, or negative.</returns>
    public static TimeSpan? Parse(string value)
    {
        if (double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
        {
            return seconds <= TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(seconds) : null;
        }

        return TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var time) && time >= TimeSpan.Zero ? time : null;
    }

    /// <summary>As the configuration binder reads it.</summary>
    public static string Format(TimeSpan time) => time.ToString("c", CultureInfo.InvariantCulture);
}
