using System.Globalization;
using OrleansEdge.Model;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

/// <summary>A process that writes as fast as it can is killed again and again.</summary>
public class KilledWriterTests
{
    private const int Kills = 40;

    private readonly Dictionary<string, (int Seconds, long Version)> _acknowledged = new(StringComparer.Ordinal);
    private (string Name, int Seconds)? _underWay;

    [Fact]
    public async Task WriterKilledAtRandomInstants_NothingAcknowledgedIsLostAndNothingIsHalf()
    {
        var random = new Random();
        await using var harness = new FileHarness(start: false);
        for (var kill = 0; kill < Kills; kill++)
        {
            await WriteUntilKilledAsync(harness.Folder, random);
            harness.Start();
            await CheckAsync(harness);
            harness.Stop();
        }

        Assert.True(_acknowledged.Count > 1 && _acknowledged.Values.Sum(state => state.Version) > Kills, "hardly anything was written");
    }

    private async Task WriteUntilKilledAsync(string folder, Random random)
    {
        string[] arguments = [RepositoryFiles.Built("tests/OrleansEdge.Standalone.WriterProcess"), folder, random.Next().ToString(CultureInfo.InvariantCulture)];
        await using var writer = ChildProcess.Start("writer", "dotnet", arguments);
        await writer.Output.TakeAsync(line => line == "ready" ? line : null, "ready");
        await Task.Delay(random.Next(100));
        writer.Kill();
        await writer.WaitForExitAsync();
        Assert.Empty(writer.Errors.Snapshot());
        _underWay = null;
        foreach (var line in writer.Output.Snapshot())
        {
            Note(line.Split(' '));
        }
    }

    private void Note(string[] words)
    {
        if (words is ["try", var tried, var trySeconds])
        {
            _underWay = (tried, int.Parse(trySeconds, CultureInfo.InvariantCulture));
        }
        else if (words is ["done", var done, var seconds, var version])
        {
            _acknowledged[done] = (int.Parse(seconds, CultureInfo.InvariantCulture), long.Parse(version, CultureInfo.InvariantCulture));
            _underWay = null;
        }
        else if (words is ["refused", ..])
        {
            _underWay = null;
        }
    }

    private async Task CheckAsync(FileHarness harness)
    {
        Assert.Empty((await harness.Plane.ListBrokenAsync(default, CancellationToken.None)).Value.Items);
        Assert.Empty(Directory.GetFiles(harness.PathOf("pending", "domains"), "*.json"));
        var audit = await ReadAuditAsync(harness);
        Assert.Equal(audit.Count, audit.Select(entry => entry.Id).Distinct(StringComparer.Ordinal).Count());
        var names = _acknowledged.Keys.Union(_underWay is { } change ? [change.Name] : []).ToList();
        foreach (var name in names)
        {
            await CheckAsync(harness, name, [.. audit.Where(entry => entry.Name == name)]);
        }
    }

    private async Task CheckAsync(FileHarness harness, string name, List<AuditEntry> audit)
    {
        var (seconds, version) = _acknowledged.GetValueOrDefault(name);
        var versions = (await harness.Plane.Domains.ListVersionsAsync(name, default, CancellationToken.None)).Failure is null
            ? (await harness.Plane.Domains.ListVersionsAsync(name, default, CancellationToken.None)).Value.Items
            : [];
        var newest = versions.Count == 0 ? 0 : versions[0].Version;
        var stored = versions.Count == 0 ? 0 : versions[0].Document?.WebSocket.TimeoutSeconds ?? 0;

        // The change under way may have been made or not; anything else must be what was acknowledged last.
        (int, long)[] allowed = _underWay is { } change && change.Name == name ? [(seconds, version), (change.Seconds, version + 1)] : [(seconds, version)];
        Assert.Contains((stored, newest), allowed);
        _acknowledged[name] = (stored, newest);

        Assert.Equal(Enumerable.Range(1, (int)newest).Select(number => (long?)number), audit.Select(entry => entry.Version));
        Assert.All(audit, entry => Assert.Equal("writer", entry.By));
        Assert.Equal(Math.Min(newest, 50), versions.Count);
        var file = harness.PathOf("domains", $"{name}.json");
        Assert.Equal(stored > 0, File.Exists(file));
        if (stored > 0)
        {
            Assert.Equal(stored, DomainDocument.Parse(await File.ReadAllBytesAsync(file), DocumentLimits.Widest).Value!.WebSocket.TimeoutSeconds);
        }
    }

    private static async Task<List<AuditEntry>> ReadAuditAsync(FileHarness harness)
    {
        var all = new List<AuditEntry>();
        string? after = null;
        do
        {
            var page = (await harness.Plane.ListAuditAsync(new(after, 1000), CancellationToken.None)).Value;
            all.AddRange(page.Items);
            after = page.Next;
        }
        while (after is not null);

        return all;
    }
}
