using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests;

public sealed class SettingsPageTests
{
    [Fact]
    public void EverySettingOfTheCluster_IsDocumentedWithItsDefault()
    {
        var rows = File.ReadLines(Path.Combine(RepositoryFiles.Root, "docs", "settings.md"))
            .Where(static line => ClusterSettings.Sections.Any(section => line.StartsWith($"| `{section}:", StringComparison.Ordinal)))
            .Select(static line => line.Split('|', StringSplitOptions.TrimEntries))
            .Select(static cells => (Setting: cells[1].Trim('`'), Default: cells[3].Trim('`')));
        Assert.Equal(ClusterSettings.SiloDefaults.Select(static setting => (setting.Key, setting.Value!)), rows);
    }
}
