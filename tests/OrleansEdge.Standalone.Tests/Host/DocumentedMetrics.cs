using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

/// <summary>A line of <c>docs/metrics.md</c>.</summary>
internal sealed record DocumentedMetric(string Name, string Kind, string Unit, string Tags);

internal static class DocumentedMetrics
{
    private const string OfGateways = "Of a gateway of a mesh alone:";

    /// <summary>All lines but those of gateways of a mesh; tags are sorted, with commas.</summary>
    public static IReadOnlyList<DocumentedMetric> Read()
        => [.. File.ReadLines(Path.Combine(RepositoryFiles.Root, "docs", "metrics.md"))
            .TakeWhile(line => line != OfGateways)
            .Where(line => line.StartsWith("| `orleansedge.", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Select(cells => new DocumentedMetric(Plain(cells[1]), cells[2], Plain(cells[3]), string.Join(',', Plain(cells[4]).Split(", ").Order(StringComparer.Ordinal))))];

    private static string Plain(string cell) => cell.Replace("`", "", StringComparison.Ordinal);
}
