using System.Text;
using Microsoft.Extensions.Logging;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

public class HandEditTests : FileTests
{
    [Fact]
    public async Task DocumentPutByHand_IsServedAsAVersionByFile()
    {
        WriteByHand(Document());

        Scan();

        Assert.Equal((1, 60), await ServedAsync());
        Assert.Equal("file", Assert.Single(await VersionsAsync()).By);
        Assert.Equal(["create 1 by file"], await AuditAsync());
        Assert.Equal(Document(), await File.ReadAllTextAsync(DomainFile()));
    }

    [Fact]
    public async Task DocumentEditedByHand_IsTheNextVersion()
    {
        await PutAsync(1);
        WriteByHand(Document(timeoutSeconds: 22));

        Scan();

        Assert.Equal((2, 22), await ServedAsync());
        Assert.Equal(["create 1 by alice", "replace 2 by file"], await AuditAsync());
    }

    [Fact]
    public async Task DocumentWrittenInAnotherWay_IsNoVersion()
    {
        await PutAsync(1);
        WriteByHand(Document(timeoutSeconds: 1));

        Scan();
        Scan();

        Assert.Equal((1, 1), await ServedAsync());
    }

    [Fact]
    public async Task EditThatNeitherTimeNorLengthTells_IsSeenAllTheSame()
    {
        await PutAsync(10);
        var edited = (await File.ReadAllTextAsync(DomainFile())).Replace("\"timeoutSeconds\": 10", "\"timeoutSeconds\": 20", StringComparison.Ordinal);
        var time = File.GetLastWriteTimeUtc(DomainFile());
        WriteByHand(edited);
        File.SetLastWriteTimeUtc(DomainFile(), time);

        Scan();

        Assert.Equal((2, 20), await ServedAsync());
    }

    [Fact]
    public async Task SecondEditThatNeitherTimeNorLengthTells_IsSeenAllTheSame()
    {
        WriteByHand(Document(timeoutSeconds: 10));
        Scan();
        var time = File.GetLastWriteTimeUtc(DomainFile());
        WriteByHand(Document(timeoutSeconds: 20));
        File.SetLastWriteTimeUtc(DomainFile(), time);

        Scan();

        Assert.Equal((2, 20), await ServedAsync());
    }

    [Fact]
    public async Task ManyVersions_FilesOfTheLast50AreKept()
    {
        for (var seconds = 1; seconds <= 55; seconds++)
        {
            await PutAsync(seconds);
        }

        Assert.Equal(
            Enumerable.Range(6, 50).Select(number => $"{number}.json").Order(StringComparer.Ordinal),
            Directory.GetFiles(Harness.PathOf("history", "domains", Chat)).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task UntouchedDocuments_AreReadTwiceAndThenNoMore()
    {
        await PutAsync(1);
        Scan();
        var path = DomainFile();
        var stamp = File.GetLastWriteTimeUtc(path);

        // A file that is not read is not missed when it holds nothing any more.
        await File.WriteAllBytesAsync(path, new byte[new FileInfo(path).Length]);
        File.SetLastWriteTimeUtc(path, stamp);
        Scan();

        Assert.Empty(await BrokenAsync());
    }

    [Fact]
    public async Task DocumentRemovedByHand_IsDeletedWhenItStaysAway()
    {
        await PutAsync(1);
        File.Delete(DomainFile());

        Plane.Look(null);
        Assert.Equal((1, 1), await ServedAsync());
        Plane.Look(null);
        Assert.Equal((1, 1), await ServedAsync());
        Scan();

        Assert.Null(await ServedAsync());
        Assert.Equal(["create 1 by alice", "delete 2 by file"], await AuditAsync());
    }

    [Fact]
    public async Task DocumentThatAnEditorReplaces_IsNeverDeleted()
    {
        await PutAsync(1);
        File.Delete(DomainFile());
        Scan();
        WriteByHand(Document(timeoutSeconds: 2));
        Scan();
        File.Delete(DomainFile());
        Scan();
        WriteByHand(Document(timeoutSeconds: 3));
        Scan();

        Assert.Equal((3, 3), await ServedAsync());
        Assert.Equal(["create 1 by alice", "replace 2 by file", "replace 3 by file"], await AuditAsync());
    }

    [Fact]
    public async Task ChangesWhileStopped_AreThereAfterTheStart()
    {
        await PutAsync(1);
        await Plane.Domains.PutAsync("gone.example", Encoding.UTF8.GetBytes(Document("gone.example")), default, "alice", None);
        Harness.Stop();
        WriteByHand(Document(timeoutSeconds: 2));
        WriteByHand(Document("new.example"), "new.example");
        File.Delete(DomainFile("gone.example"));

        Harness.Start();

        Assert.Equal((2, 2), await ServedAsync());
        Assert.Equal((1, 60), await ServedAsync("new.example"));
        Assert.Null(await ServedAsync("gone.example"));
        Assert.Equal(["create 1 by alice", "delete 2 by file"], await AuditAsync("gone.example"));
    }

    [Fact]
    public async Task BrokenDocument_LastGoodVersionStaysInForceAndTheOthersServe()
    {
        await PutAsync(1);
        WriteByHand("{ \"domain\": ");
        WriteByHand(Document("other.example"), "other.example");

        Scan();
        Scan();

        Assert.Equal((1, 1), await ServedAsync());
        Assert.Equal((1, 60), await ServedAsync("other.example"));
        var broken = Assert.Single(await BrokenAsync());
        Assert.Equal(("domain", Chat), (broken.Kind, broken.Name));
        Assert.StartsWith("line 1, byte 13: ", Assert.Single(broken.Errors).Message, StringComparison.Ordinal);
        Assert.Equal(1, (await Plane.Domains.GetAsync(Chat, None)).Value.Version);
        Assert.Single(Harness.Log.Events, entry => entry is { Level: LogLevel.Warning, Id: 3002 });

        await Harness.RestartAsync();
        Assert.Equal((1, 1), await ServedAsync());
        Assert.Single(await BrokenAsync());

        WriteByHand(Document(timeoutSeconds: 5));
        Scan();
        Assert.Equal((2, 5), await ServedAsync());
        Assert.Empty(await BrokenAsync());
    }

    [Fact]
    public async Task BrokenDocumentThatNeverWasGood_IsReportedAndCanBeReplacedOrDeleted()
    {
        WriteByHand(Document(timeoutSeconds: 301));
        WriteByHand("", "empty.example");
        Scan();

        var get = await Plane.Domains.GetAsync(Chat, None);
        Assert.Equal((ControlFailureKind.Broken, "config_broken"), (get.Failure!.Kind, get.Failure.Code));
        Assert.Equal([new("webSocket.timeoutSeconds", "301 is over 300")], get.Failure.Errors);
        Assert.Empty((await Plane.Domains.ListAsync(default, None)).Value.Items);
        Assert.Equal([Chat, "empty.example"], (await BrokenAsync()).Select(broken => broken.Name));
        Assert.Equal(ControlFailureKind.PreconditionFailed, (await TryPutAsync(1, new(IfNoneMatch: true))).Failure!.Kind);

        Assert.Equal(1, await PutAsync(1));
        Assert.Equal(1, (await Plane.Domains.DeleteAsync("empty.example", default, "alice", None)).Value);
        Assert.False(File.Exists(DomainFile("empty.example")));
        Assert.Empty(await BrokenAsync());
    }

    [Fact]
    public async Task BrokenFileRemoved_IsForgotten()
    {
        WriteByHand("x");
        Scan();
        File.Delete(DomainFile());

        Scan();

        Assert.Empty(await BrokenAsync());
        Assert.Equal(ControlFailureKind.NotFound, (await Plane.Domains.GetAsync(Chat, None)).Failure!.Kind);
        Assert.Empty(await AuditAsync());
    }

    [Theory]
    [InlineData("other.example.com", "\"chat.example.com\" is not the name under which the document stands, \"other.example.com\"")]
    [InlineData("Chat.example.com", "\"Chat.example.com\" is not the name of a domain as it is written in file names")]
    [InlineData("a b", "\"a b\" is not the name of a domain as it is written in file names")]
    [InlineData("*.example.com", "\"*.example.com\" is not the name of a domain as it is written in file names")]
    public async Task FileUnderAnotherName_IsBroken(string stem, string message)
    {
        WriteByHand(Document(), stem);

        Scan();

        Assert.Equal(message, Assert.Single(Assert.Single(await BrokenAsync()).Errors).Message);
        Assert.Null(await ServedAsync());
    }

    [Fact]
    public async Task WhatIsNoDocument_IsLeftAlone()
    {
        WriteByHand("x", ".chat.example.com");
        await File.WriteAllTextAsync(Harness.PathOf("domains", "chat.example.com.json~"), "x");
        await File.WriteAllTextAsync(Harness.PathOf("domains", "notes.txt"), "x");
        Directory.CreateDirectory(DomainFile("folder.example"));

        Scan();

        Assert.Empty(await BrokenAsync());
    }

    [Fact]
    public async Task FileThatIsTooLong_IsBrokenAndNotRead()
    {
        await using (var file = File.Create(DomainFile()))
        {
            file.SetLength(1L << 34);
        }

        Scan();

        Assert.Equal("the file has 17179869184 bytes, 4194304 is the most", Assert.Single(Assert.Single(await BrokenAsync()).Errors).Message);
    }

    [Fact]
    public async Task Wildcard_LiesUnderAnUnderscore()
    {
        WriteByHand(Document("*.example.org"), "_.example.org");
        Scan();
        await Plane.Domains.PutAsync("*.example.com", Encoding.UTF8.GetBytes(Document("*.example.com")), default, "alice", None);

        Assert.Equal((1, 60), await ServedAsync("a.example.org"));
        Assert.True(File.Exists(DomainFile("_.example.com")));
        Assert.Empty(await BrokenAsync());
    }

    [Fact]
    public async Task FileOfADocumentThatWasPut_IsExactlyTheDocument()
    {
        await PutAsync(1);

        Assert.Equal(DomainDocument.Write((await Plane.Domains.GetAsync(Chat, None)).Value.Document), await File.ReadAllBytesAsync(DomainFile()));
    }

    [Fact]
    public async Task DomainOfATenantThatIsMissing_IsBrokenUntilTheTenantAppears()
    {
        WriteByHand(Document(tenant: "later"));
        WriteByHand(Document("b.example", tenant: "by-hand"), "b.example");
        Scan();
        Assert.Equal(
            [new("tenant", "there is no tenant \"by-hand\""), new("tenant", "there is no tenant \"later\"")],
            (await BrokenAsync()).SelectMany(broken => broken.Errors));

        await PutTenantAsync("later");
        Assert.Equal((1, 60), await ServedAsync());

        await File.WriteAllTextAsync(Harness.PathOf("tenants", "by-hand.json"), """{ "tenant": "by-hand", "blocked": true }""");
        Scan();
        Assert.True((await Plane.FindAsync("b.example", None))!.TenantBlocked);
        Assert.Empty(await BrokenAsync());
    }

    [Fact]
    public async Task TenantRemovedByHandWhileItHasDomains_StaysUntilTheyAreGone()
    {
        await PutAsync(1);
        File.Delete(Harness.PathOf("tenants", "acme.json"));
        Scan();
        Scan();

        Assert.Null((await Plane.Tenants.GetAsync("acme", None)).Failure);
        Assert.Contains("has domains", Assert.Single(Assert.Single(await BrokenAsync()).Errors).Message, StringComparison.Ordinal);
        Assert.Equal((1, 1), await ServedAsync());

        await Plane.Domains.DeleteAsync(Chat, default, "alice", None);
        Scan();
        Assert.Equal(ControlFailureKind.NotFound, (await Plane.Tenants.GetAsync("acme", None)).Failure!.Kind);
        Assert.Empty(await BrokenAsync());
    }

    [Fact]
    public async Task EditNotYetSeen_IsNotOverwrittenByAConditionalPut()
    {
        await PutAsync(1);
        WriteByHand(Document(timeoutSeconds: 2));

        Assert.Equal(ControlFailureKind.PreconditionFailed, (await TryPutAsync(3, new(IfMatch: 1))).Failure!.Kind);

        Assert.Equal((2, 2), await ServedAsync());
        Assert.Equal(3, await PutAsync(3));
        Assert.Equal(["create 1 by alice", "replace 2 by file", "replace 3 by alice"], await AuditAsync());
    }

    [Fact]
    public async Task TimeoutBoundLowered_WhatWasAcceptedStaysInForce()
    {
        await PutAsync(300);
        Harness.Stop();
        Harness.Limits = new() { MaxTimeoutSeconds = 100 };

        Harness.Start();

        Assert.Equal((1, 300), await ServedAsync());
        Assert.Empty(await BrokenAsync());
        Assert.Equal(ControlFailureKind.Invalid, (await TryPutAsync(300)).Failure!.Kind);
    }

    [Fact]
    public async Task FolderGone_DocumentsStayInForceAndAreWrittenAgainAtTheStart()
    {
        await PutAsync(1);
        Directory.Delete(Harness.PathOf("domains"), recursive: true);

        Scan();
        Scan();
        Assert.Equal((1, 1), await ServedAsync());
        Assert.Single(Harness.Log.Events, entry => entry.Id == 3006);

        await Harness.RestartAsync();
        Assert.Equal((1, 1), await ServedAsync());
        Assert.True(File.Exists(DomainFile()));
    }

    [Fact]
    public async Task FolderGoneWhenADocumentIsPut_TheFileIsWrittenWhenItIsBack()
    {
        Directory.Delete(Harness.PathOf("domains"), recursive: true);

        Assert.Equal(1, await PutAsync(1));
        Assert.Equal((1, 1), await ServedAsync());
        Directory.CreateDirectory(Harness.PathOf("domains"));
        Scan();

        Assert.True(File.Exists(DomainFile()));
        Scan();
        Scan();
        Assert.Equal((1, 1), await ServedAsync());
    }

    [Fact]
    public async Task ManyDocumentsPutByHandAtOnce_AllAreServed()
    {
        for (var number = 0; number < 300; number++)
        {
            WriteByHand(Document($"n{number}.example"), $"n{number}.example");
        }

        Scan();

        Assert.Equal(300, (await Plane.Domains.ListAsync(new(Limit: 1000), None)).Value.Items.Count);
        await Harness.RestartAsync();
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 300).Select(number => ServedAsync($"n{number}.example"))), served => Assert.Equal((1, 60), served));
        Assert.Equal(301, (await Plane.ListAuditAsync(new(Limit: 1000), None)).Value.Items.Count);
    }

    [Fact]
    public async Task HintOfTheOperatingSystem_BringsTheLookForward()
    {
        await QuietAsync();
        WriteByHand(Document());
        await HintedAsync();

        Harness.Time.Advance(FolderWatch.Settle);

        Assert.Equal((1, 60), await ServedAsync());
    }

    [Fact]
    public async Task RemovalHinted_IsADeletionAfterASecondLook()
    {
        await PutAsync(1);
        await QuietAsync();
        File.Delete(DomainFile());
        await HintedAsync();

        Harness.Time.Advance(FolderWatch.Settle);
        Assert.Equal((1, 1), await ServedAsync());
        Assert.Equal(FolderWatch.Unrest, Harness.Time.NextDue());
        Harness.Time.Advance(FolderWatch.Unrest);

        Assert.Null(await ServedAsync());
    }

    /// <summary>Waits until the operating system hints at nothing any more of what was done before.</summary>
    private async Task QuietAsync()
    {
        for (var quiet = 0; quiet < 5; quiet++)
        {
            if (Harness.Time.NextDue() != FolderWatch.Period)
            {
                Scan();
                quiet = 0;
            }

            await Task.Delay(20);
        }
    }

    private async Task HintedAsync()
    {
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while (Harness.Time.NextDue() > FolderWatch.Settle)
        {
            Assert.True(DateTime.UtcNow < deadline, "no hint came within 20 s");
            await Task.Delay(5);
        }
    }
}
