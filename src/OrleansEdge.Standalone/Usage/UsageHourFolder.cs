using System.Globalization;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Usage;

/// <summary>The files of hours: <c>2026-11/24T19.seg</c>. Thread safe as far as the files are.</summary>
internal sealed class UsageHourFolder(string folder)
{
    private const string MonthFormat = "yyyy-MM";
    private const string HourFormat = "dd'T'HH";
    private const string Extension = ".seg";

    /// <summary>The hours that have a file, in no order.</summary>
    public IEnumerable<UsageHour> List()
    {
        foreach (var month in Directory.EnumerateDirectories(folder))
        {
            foreach (var path in Directory.EnumerateFiles(month, "*" + Extension))
            {
                var name = $"{Path.GetFileName(month)} {Path.GetFileNameWithoutExtension(path)}";
                if (DateTimeOffset.TryParseExact(name, $"{MonthFormat} {HourFormat}", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var start))
                {
                    yield return UsageHour.At(start);
                }
            }
        }
    }

    public UsageSegment Open(UsageHour hour) => UsageSegment.Open(PathOf(hour), hour);

    /// <summary>Puts a file in the place of the hour's, whole and durable.</summary>
    public void Replace(UsageHour hour, ReadOnlySpan<byte> content)
    {
        var path = PathOf(hour);
        DurableFile.CreateFolder(Path.GetDirectoryName(path)!);
        DurableFile.Replace(path, content);
    }

    public string PathOf(UsageHour hour) => Path.Combine(
        folder,
        hour.Start.ToString(MonthFormat, CultureInfo.InvariantCulture),
        hour.Start.ToString(HourFormat, CultureInfo.InvariantCulture) + Extension);
}
