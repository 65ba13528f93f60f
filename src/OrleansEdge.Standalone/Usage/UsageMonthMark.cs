using System.Text;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Usage;

/// <summary>The file that says of which month statements were made last: <c>closed</c>. Calls must not overlap.</summary>
internal sealed class UsageMonthMark(string folder)
{
    private readonly string _path = Path.Combine(folder, "closed");

    /// <returns><see langword="null"/>: none was.</returns>
    /// <exception cref="UsageDamageException">It holds something else.</exception>
    public UsageMonth? Read()
        => !File.Exists(_path) ? null
            : UsageMonth.TryParse(File.ReadAllText(_path).TrimEnd('\n'), out var month) ? month
            : throw new UsageDamageException(_path, "it names no month");

    public void Write(UsageMonth month) => DurableFile.Replace(_path, Encoding.ASCII.GetBytes($"{month}\n"));
}
