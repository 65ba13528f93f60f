using System.Text;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

/// <summary>A data directory that is taken, refused or full.</summary>
public class DiskTests : FileTests
{
    [Fact]
    public async Task SecondProcessOnOneDirectory_IsRefusedInOneSentence()
    {
        await PutAsync(1);

        var refused = Assert.Throws<DataDirectoryException>(() => Open(Harness.Folder));

        Assert.Equal($"The data directory {Harness.Folder} is in use by another process (lock file {Harness.PathOf(".lock")}).", refused.Message);
        Harness.Stop();
        Open(Harness.Folder).Dispose();
        Harness.Start();
        Assert.Equal((1, 1), await ServedAsync());
    }

    [Theory]
    [InlineData("file/below")]
    [InlineData("file")]
    [InlineData("/proc/nowhere")]
    public void DirectoryThatCannotBe_IsRefusedInOneSentence(string path)
    {
        File.WriteAllText(Harness.PathOf("file"), "x");

        var refused = Assert.Throws<DataDirectoryException>(() => Open(Path.Combine(Harness.Folder, path)));

        Assert.StartsWith($"The data directory {Path.Combine(Harness.Folder, path)} cannot be used: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void PartOfTheDirectoryThatIsNoFolder_IsRefusedAndTheLockGivenBack()
    {
        Harness.Stop();
        Directory.Delete(Harness.PathOf("history"), recursive: true);
        File.WriteAllText(Harness.PathOf("history"), "x");

        Assert.Throws<DataDirectoryException>(() => Open(Harness.Folder));

        File.Delete(Harness.PathOf("history"));
        Open(Harness.Folder).Dispose();
    }

    [Fact]
    public async Task DiskRefusesAChange_NothingHasChangedAndItCanBeTriedAgain()
    {
        await PutAsync(1);
        var versions = Harness.PathOf("history", "domains", Chat);
        Directory.Move(versions, versions + ".aside");
        await File.WriteAllTextAsync(versions, "in the way");

        var put = await TryPutAsync(2);
        var delete = await Plane.Domains.DeleteAsync(Chat, default, "alice", None);

        Assert.Equal((ControlFailureKind.Unavailable, "unavailable"), (put.Failure!.Kind, put.Failure.Code));
        Assert.Equal(ControlFailureKind.Unavailable, delete.Failure!.Kind);
        Assert.Equal((1, 1), await ServedAsync());
        Assert.Empty(Directory.GetFiles(Harness.PathOf("pending", "domains")));
        Assert.Contains("\"timeoutSeconds\": 1", await File.ReadAllTextAsync(DomainFile()), StringComparison.Ordinal);
        File.Delete(versions);
        Directory.Move(versions + ".aside", versions);
        Assert.Equal(2, await PutAsync(2));
        Assert.Equal(["create 1 by alice", "replace 2 by alice"], await AuditAsync());
    }

    [Fact]
    public async Task AuditCannotBeWritten_LinesWaitAndComeWithTheNext()
    {
        var audit = Harness.PathOf("audit.jsonl");
        File.Move(audit, audit + ".aside");
        Directory.CreateDirectory(audit);

        Assert.Equal(1, await PutAsync(1));
        Assert.Contains(Harness.Log.Events, entry => entry.Id == 3010);

        Directory.Delete(audit);
        File.Move(audit + ".aside", audit);
        Assert.Equal(["create 1 by alice"], await AuditAsync());
        Assert.Equal(2, await PutAsync(2));
        await Harness.RestartAsync();
        Assert.Equal(["create 1 by alice", "replace 2 by alice"], await AuditAsync());
    }

    [Theory]
    [InlineData(250, null)]
    [InlineData(251, ControlFailureKind.Invalid)]
    [InlineData(253, ControlFailureKind.Invalid)]
    public async Task NameLongerThanAFileName_IsRefused(int length, ControlFailureKind? failure)
    {
        var label = new string('a', 63);
        var name = $"{label}.{label}.{label}.{new string('b', length - 192)}";

        var put = await Plane.Domains.PutAsync(name, Encoding.UTF8.GetBytes(Document(name)), default, "alice", None);

        Assert.Equal(failure, put.Failure?.Kind);
        Assert.Equal(failure is null ? (1, 60) : null, await ServedAsync(name));
    }

    [Fact]
    public async Task FileInTheWay_TheVersionIsInForceAndTheReasonIsSaidOnce()
    {
        Directory.CreateDirectory(DomainFile());

        Assert.Equal(1, await PutAsync(1));
        Scan();
        Scan();

        Assert.Equal((1, 1), await ServedAsync());
        Assert.Single(Harness.Log.Events, entry => entry.Id == 3004);
        Directory.Delete(DomainFile());
        Scan();
        Assert.True(File.Exists(DomainFile()));
        Assert.Equal((1, 1), await ServedAsync());
    }

    [Fact]
    public async Task AfterTheEnd_ChangesAreRefused()
    {
        var plane = Plane;
        Harness.Stop();

        var put = await plane.Domains.PutAsync(Chat, Encoding.UTF8.GetBytes(Document()), default, "alice", None);

        Assert.Equal(ControlFailureKind.Unavailable, put.Failure?.Kind);
        Assert.False(plane.Look(null));
    }

    [Fact]
    public async Task ReaderOfAFileThatIsReplaced_SeesTheOldOrTheNewAndNeverHalf()
    {
        var path = Harness.PathOf("replaced");
        DurableFile.Replace(path, Filled('a'), flush: false);
        using var over = new CancellationTokenSource();
        var reads = 0;
        var reading = Task.Run(() => ReadUntil(path, () => Interlocked.Increment(ref reads), over.Token));

        for (var round = 0; round < 1000 || (Volatile.Read(ref reads) < 100 && !reading.IsCompleted); round++)
        {
            DurableFile.Replace(path, Filled(round % 2 == 0 ? 'b' : 'a'), flush: false);
        }

        await over.CancelAsync();
        await reading;
    }

    [SmallDiskFact]
    public async Task FullDisk_ChangesAreRefusedAndWhatIsThereStays()
    {
        await using var disk = SmallDisk.Mount("160k");
        using var plane = Open(disk.Path);
        await plane.Tenants.PutAsync("acme", """{ "tenant": "acme" }"""u8.ToArray(), default, "alice", None);
        var seconds = 0;
        ControlFailure? failure;
        do
        {
            seconds++;
            failure = (await PutAsync(plane, seconds)).Failure;
        }
        while (failure is null && seconds < 300);

        Assert.Equal((ControlFailureKind.Unavailable, "unavailable"), (failure?.Kind, failure?.Code));
        var got = (await plane.Domains.GetAsync(Chat, None)).Value;
        Assert.Equal((seconds - 1, seconds - 1), (got.Version, got.Document.WebSocket.TimeoutSeconds));
        Assert.Equal(seconds - 1, (await plane.FindAsync(Chat, None))!.Version);
        Assert.Equal(DomainDocument.Write(got.Document), await File.ReadAllBytesAsync(Path.Combine(disk.Path, "domains", $"{Chat}.json")));

        disk.GiveRoom("4m");
        Assert.Equal(seconds, (await PutAsync(plane, 299)).Value.Version);
        plane.Dispose();
        using var again = Open(disk.Path);
        var audit = (await again.ListAuditAsync(new(Limit: 1000), None)).Value.Items;
        Assert.Equal(Enumerable.Range(1, seconds).Select(version => (long?)version), audit.Where(entry => entry.Name == Chat).Select(entry => entry.Version));
        Assert.Equal(299, (await again.FindAsync(Chat, None))!.Config.WebSocket.TimeoutSeconds);
    }

    private static byte[] Filled(char content) => [.. Enumerable.Repeat((byte)content, 20_000)];

    private static void ReadUntil(string path, Action noteRead, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var content = File.ReadAllBytes(path);
            Assert.Equal(20_000, content.Length);
            Assert.Equal(-1, content.AsSpan().IndexOfAnyExcept(content[0]));
            noteRead();
        }
    }

    private FileControlPlane Open(string folder) => new(folder, Harness.Time, Harness.Log, new(), new ScriptedGateway());

    private static Task<ControlResult<PutOutcome<DomainConfig>>> PutAsync(FileControlPlane plane, int seconds)
        => plane.Domains.PutAsync(Chat, Encoding.UTF8.GetBytes(Document(timeoutSeconds: seconds)), default, "alice", None);
}
