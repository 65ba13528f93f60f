using System.Text;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

/// <summary>Every state in which a kill can leave the files, built by hand.</summary>
public class InterruptedChangeTests : FileTests
{
    private string Pending => Harness.PathOf("pending", "domains", $"{Chat}.json");

    private string Audit => Harness.PathOf("audit.jsonl");

    [Fact]
    public async Task PreparedOnly_TheOldDocumentIsThere()
    {
        await PutAsync(1);
        Harness.Stop();
        await File.WriteAllBytesAsync(Pending, DomainDocument.Write(DomainDocument.Parse(Encoding.UTF8.GetBytes(Document(timeoutSeconds: 2)), new()).Value!));

        Harness.Start();

        Assert.Equal((1, 1), await ServedAsync());
        Assert.False(File.Exists(Pending));
        Assert.Equal(["create 1 by alice"], await AuditAsync());
    }

    [Fact]
    public async Task HalfPrepared_TheOldDocumentIsThere()
    {
        await PutAsync(1);
        Harness.Stop();
        await File.WriteAllTextAsync(Pending, "{ \"domain\": \"chat.ex");
        await File.WriteAllTextAsync(Harness.PathOf("pending", "domains", ".new"), "{ \"dom");
        await File.WriteAllTextAsync(Harness.PathOf("history", "domains", Chat, ".new"), "{ \"ver");

        Harness.Start();

        Assert.Equal((1, 1), await ServedAsync());
        Assert.Equal(2, await PutAsync(2));
    }

    [Fact]
    public async Task VersionMade_FileNot_TheNewDocumentIsThere()
    {
        await PutAsync(1);
        var (oldFile, oldAudit) = (await File.ReadAllBytesAsync(DomainFile()), await File.ReadAllBytesAsync(Audit));
        await PutAsync(2);
        Harness.Stop();
        File.Move(DomainFile(), Pending);
        await File.WriteAllBytesAsync(DomainFile(), oldFile);
        await File.WriteAllBytesAsync(Audit, oldAudit);

        Harness.Start();

        Assert.Equal((2, 2), await ServedAsync());
        Assert.False(File.Exists(Pending));
        Assert.Contains("\"timeoutSeconds\": 2", await File.ReadAllTextAsync(DomainFile()), StringComparison.Ordinal);
        Assert.Equal(["create 1 by alice", "replace 2 by alice"], await AuditAsync());
    }

    [Fact]
    public async Task FirstVersionMade_FileNot_TheNewDocumentIsThere()
    {
        await PutAsync(1);
        Harness.Stop();
        File.Move(DomainFile(), Pending);

        Harness.Start();

        Assert.Equal((1, 1), await ServedAsync());
        Assert.True(File.Exists(DomainFile()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DeletionMade_FileNot_TheDocumentIsGone(bool isFileThere)
    {
        await PutAsync(1);
        var (file, audit) = (await File.ReadAllBytesAsync(DomainFile()), await File.ReadAllBytesAsync(Audit));
        await Plane.Domains.DeleteAsync(Chat, default, "alice", None);
        Harness.Stop();
        await File.WriteAllTextAsync(Pending, "");
        await File.WriteAllBytesAsync(Audit, audit);
        if (isFileThere)
        {
            await File.WriteAllBytesAsync(DomainFile(), file);
        }

        Harness.Start();

        Assert.Null(await ServedAsync());
        Assert.False(File.Exists(DomainFile()));
        Assert.False(File.Exists(Pending));
        Assert.Equal(["create 1 by alice", "delete 2 by alice"], await AuditAsync());
        Assert.Equal(3, await PutAsync(3));
    }

    [Fact]
    public async Task DeletionPreparedOnly_TheDocumentStays()
    {
        await PutAsync(1);
        Harness.Stop();
        await File.WriteAllTextAsync(Pending, "");

        Harness.Start();

        Assert.Equal((1, 1), await ServedAsync());
        Assert.False(File.Exists(Pending));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(50)]
    [InlineData(-1)]
    public async Task AuditCutAnywhere_LinesOfTheVersionsAreAddedInOrder(int bytesOfLastLine)
    {
        await PutAsync(1);
        var length = (int)new FileInfo(Audit).Length;
        await PutAsync(2);
        await PutAsync(3);
        Harness.Stop();
        var lines = await File.ReadAllBytesAsync(Audit);
        await File.WriteAllBytesAsync(Audit, bytesOfLastLine < 0 ? lines[..^1] : lines[..(length + bytesOfLastLine)]);

        Harness.Start();

        Assert.Equal(["create 1 by alice", "replace 2 by alice", "replace 3 by alice"], await AuditAsync());
        Assert.Equal(lines, await File.ReadAllBytesAsync(Audit));
    }

    [Fact]
    public async Task AuditGone_LinesOfTheKeptVersionsAreThereAgain()
    {
        await PutAsync(1);
        await PutAsync(2);
        Harness.Stop();
        File.Delete(Audit);

        Harness.Start();

        Assert.Equal(["create 1 by alice", "replace 2 by alice"], await AuditAsync());
    }

    [Fact]
    public async Task NewestVersionDamaged_ItsNumberIsNotUsedAgain()
    {
        await PutAsync(1);
        await PutAsync(2);
        Harness.Stop();
        await File.WriteAllTextAsync(Harness.PathOf("history", "domains", Chat, "2.json"), "\0\0\0");

        Harness.Start();

        // The file holds what no readable version does, so it is taken as an edit.
        Assert.Equal((3, 2), await ServedAsync());
        Assert.Equal([3, 1], (await VersionsAsync()).Select(version => version.Version));
        Assert.Contains(Harness.Log.Events, entry => entry.Id == 3008);
    }

    [Fact]
    public async Task LinesOfTheAuditThatAreNone_AreSkipped()
    {
        await PutAsync(1);
        await File.AppendAllTextAsync(Audit, "\nrubbish\n");
        await PutAsync(2);

        Assert.Equal(["create 1 by alice", "replace 2 by alice"], await AuditAsync());
        await Harness.RestartAsync();
        Assert.Equal(3, await PutAsync(3));
        Assert.Equal(["create 1 by alice", "replace 2 by alice", "replace 3 by alice"], await AuditAsync());
    }
}
