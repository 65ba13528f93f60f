using OrleansEdge.Model;

namespace OrleansEdge.PortContracts;

/// <summary>Documents of domains and tenants: reading, changing, versions, conditions, paging, audit.</summary>
public abstract class DocumentContract : ControlPlaneContract
{
    [Fact]
    public async Task NewDocumentPut_IsVersion1AndIsReadBack()
    {
        await PutTenantAsync("acme");

        var put = await PutDomainAsync(Chat, timeoutSeconds: 42);
        var got = Answer(await Control.Domains.GetAsync(Chat, None));

        Assert.True(put.Created);
        Assert.Equal(1, put.Version);
        Assert.Equal(42, put.Document.WebSocket.TimeoutSeconds);
        Assert.Equal(new Versioned<DomainConfig>(put.Document, 1), got);
    }

    [Fact]
    public async Task SameDocumentPutAgain_IsANewVersionAllTheSame()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat);

        var put = await PutDomainAsync(Chat);

        Assert.False(put.Created);
        Assert.Equal(2, put.Version);
    }

    [Fact]
    public async Task DocumentWithFaults_AllAreNamedAndNothingChanges()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat);

        var failure = Failure(
            await Control.Domains.PutAsync(Chat, Domain("other.example.com", "nobody", timeoutSeconds: 301), default, "alice", None),
            ControlFailureKind.Invalid,
            "config_invalid");

        Assert.Equal(["domain", "tenant", "webSocket.timeoutSeconds"], failure.Errors.Select(error => error.Path));
        Assert.Contains(new ConfigError("webSocket.timeoutSeconds", "301 is over 300"), failure.Errors);
        Assert.Equal(1, Answer(await Control.Domains.GetAsync(Chat, None)).Version);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("../tenants/acme")]
    [InlineData("a/b")]
    [InlineData("*")]
    [InlineData("a b")]
    [InlineData("\0")]
    public async Task NameThatIsNone_IsNeverFoundNorStored(string name)
    {
        await PutTenantAsync("acme");
        var json = System.Text.Encoding.UTF8.GetBytes(System.Text.Json.JsonSerializer.Serialize(
            new { domain = name, tenant = "acme", origins = new[] { new { address = "10.0.0.5" } } }));

        Failure(await Control.Domains.PutAsync(name, json, default, "alice", None), ControlFailureKind.Invalid, "config_invalid");
        Failure(await Control.Domains.PutAsync(name, Domain(Chat), default, "alice", None), ControlFailureKind.Invalid, "config_invalid");
        Failure(await Control.Domains.GetAsync(name, None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.DeleteAsync(name, default, "alice", None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.ListVersionsAsync(name, new(), None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.RollbackAsync(name, 1, default, "alice", None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Tenants.DeleteAsync(name, default, "alice", None), ControlFailureKind.NotFound, "not_found");
        Assert.Empty(Answer(await Control.ListBrokenAsync(new(), None)).Items);
    }

    [Fact]
    public async Task NameInAnotherForm_IsTheSameDocument()
    {
        await PutTenantAsync("acme");

        var put = Answer(await Control.Domains.PutAsync("CHAT.Example.com.", Domain("Chat.EXAMPLE.com"), default, "alice", None));

        Assert.Equal(Chat, put.Document.Domain);
        Assert.Equal(1, Answer(await Control.Domains.GetAsync("chat.example.COM", None)).Version);
        Assert.Equal(2, Answer(await Control.Domains.DeleteAsync("Chat.example.com.", default, "alice", None)));
    }

    [Fact]
    public async Task WildcardAndNameInPunycode_AreDocumentsLikeOthers()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync("*.example.com");
        Answer(await Control.Domains.PutAsync("bücher.example", Domain("bücher.example"), default, "alice", None));

        await Harness.RestartAsync();

        var all = Answer(await Control.Domains.ListAsync(new(), None)).Items;
        Assert.Equal(["*.example.com", "xn--bcher-kva.example"], all.Select(domain => domain.Domain));
        Assert.Equal(1, Answer(await Control.Domains.GetAsync("*.example.com", None)).Version);
        Assert.Equal(2, Answer(await Control.Domains.DeleteAsync("*.example.com", default, "alice", None)));
    }

    [Fact]
    public async Task UnknownDocument_IsNotFound()
    {
        Failure(await Control.Domains.GetAsync(Chat, None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.DeleteAsync(Chat, default, "alice", None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.ListVersionsAsync(Chat, new(), None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.RollbackAsync(Chat, 1, default, "alice", None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Tenants.GetAsync("acme", None), ControlFailureKind.NotFound, "not_found");
    }

    [Fact]
    public async Task ConditionOnVersion_HoldsForThatVersionOnly()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat);
        await PutDomainAsync(Chat);

        Failure(await PutAsync(new(IfMatch: 1)), ControlFailureKind.PreconditionFailed, "precondition_failed");
        Failure(await Control.Domains.DeleteAsync(Chat, new(IfMatch: 3), "alice", None), ControlFailureKind.PreconditionFailed, "precondition_failed");
        Failure(await Control.Domains.RollbackAsync(Chat, 1, new(IfMatch: 1), "alice", None), ControlFailureKind.PreconditionFailed, "precondition_failed");
        Assert.Equal(3, Answer(await PutAsync(new(IfMatch: 2))).Version);
        Assert.Equal(4, Answer(await Control.Domains.RollbackAsync(Chat, 1, new(IfMatch: 3), "alice", None)).Version);
        Assert.Equal(5, Answer(await Control.Domains.DeleteAsync(Chat, new(IfMatch: 4), "alice", None)));
    }

    [Fact]
    public async Task ConditionOnExistence_HoldsAsTheDocumentComesAndGoes()
    {
        await PutTenantAsync("acme");

        Failure(await PutAsync(new(MustExist: true)), ControlFailureKind.PreconditionFailed, "precondition_failed");
        Failure(await PutAsync(new(IfMatch: 1)), ControlFailureKind.PreconditionFailed, "precondition_failed");
        Assert.Equal(1, Answer(await PutAsync(new(IfNoneMatch: true))).Version);
        Failure(await PutAsync(new(IfNoneMatch: true)), ControlFailureKind.PreconditionFailed, "precondition_failed");
        Assert.Equal(2, Answer(await PutAsync(new(MustExist: true))).Version);
        Answer(await Control.Domains.DeleteAsync(Chat, new(MustExist: true), "alice", None));
        Failure(await PutAsync(new(IfMatch: 3)), ControlFailureKind.PreconditionFailed, "precondition_failed");
        Assert.Equal(4, Answer(await PutAsync(new(IfNoneMatch: true))).Version);
    }

    [Fact]
    public async Task ManyPutsAtOnce_EachIsAVersion()
    {
        await PutTenantAsync("acme");

        var puts = await Task.WhenAll(Enumerable.Range(1, 20).Select(seconds => Task.Run(() => PutDomainAsync(Chat, timeoutSeconds: seconds))));

        Assert.Equal(Enumerable.Range(1, 20).Select(version => (long)version), puts.Select(put => put.Version).Order());
        Assert.Single(puts, put => put.Created);
        Assert.Equal(puts.Single(put => put.Version == 20).Document, Answer(await Control.Domains.GetAsync(Chat, None)).Document);
    }

    [Fact]
    public async Task ManyPutsOnOneVersion_OneWins()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat);

        var puts = await Task.WhenAll(Enumerable.Range(1, 10).Select(_ => Task.Run(() => PutAsync(new(IfMatch: 1)))));

        Assert.Single(puts, put => put.Failure is null);
        Assert.Equal(9, puts.Count(put => put.Failure?.Kind == ControlFailureKind.PreconditionFailed));
    }

    [Fact]
    public async Task DeletedDocument_IsGoneAndItsVersionsGoOn()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat, timeoutSeconds: 1);

        Assert.Equal(2, Answer(await Control.Domains.DeleteAsync(Chat, default, "bob", None)));
        Failure(await Control.Domains.GetAsync(Chat, None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.DeleteAsync(Chat, default, "bob", None), ControlFailureKind.NotFound, "not_found");
        Assert.Empty(Answer(await Control.Domains.ListAsync(new(), None)).Items);

        await Harness.RestartAsync();
        var put = await PutDomainAsync(Chat, timeoutSeconds: 3);

        Assert.Equal((true, 3L), (put.Created, put.Version));
        var versions = Answer(await Control.Domains.ListVersionsAsync(Chat, new(), None)).Items;
        Assert.Equal([3, 2, 1], versions.Select(version => version.Version));
        Assert.Equal([false, true, false], versions.Select(version => version.Deleted));
        Assert.Equal([3, null, 1], versions.Select(version => version.Document?.WebSocket.TimeoutSeconds));
        Assert.Equal(["alice", "bob", "alice"], versions.Select(version => version.By));
    }

    [Fact]
    public async Task TenantWithDomains_IsNotDeleted()
    {
        await PutTenantAsync("acme");
        await PutTenantAsync("other");
        await PutDomainAsync(Chat);
        await PutDomainAsync("b.example.com");

        Failure(await Control.Tenants.DeleteAsync("acme", default, "alice", None), ControlFailureKind.Conflict, "tenant_has_domains");
        await PutDomainAsync(Chat, tenant: "other");
        Failure(await Control.Tenants.DeleteAsync("acme", default, "alice", None), ControlFailureKind.Conflict, "tenant_has_domains");
        Answer(await Control.Domains.DeleteAsync("b.example.com", default, "alice", None));

        Assert.Equal(2, Answer(await Control.Tenants.DeleteAsync("acme", default, "alice", None)));
        Failure(await Control.Domains.PutAsync("c.example.com", Domain("c.example.com"), default, "alice", None), ControlFailureKind.Invalid, "config_invalid");
    }

    [Fact]
    public async Task MoreThan50Versions_TheLast50AreKept()
    {
        await PutTenantAsync("acme");
        for (var seconds = 1; seconds <= 53; seconds++)
        {
            await PutDomainAsync(Chat, timeoutSeconds: seconds);
        }

        var versions = await AllPagesAsync(7, page => Control.Domains.ListVersionsAsync(Chat, page, None));

        Assert.Equal(Enumerable.Range(4, 50).Reverse().Select(number => (long)number), versions.Select(version => version.Version));
        Assert.All(versions, version => Assert.Equal(version.Version, version.Document!.WebSocket.TimeoutSeconds));
        Failure(await Control.Domains.RollbackAsync(Chat, 3, default, "alice", None), ControlFailureKind.NotFound, "not_found");
        Assert.Equal(4, Answer(await Control.Domains.RollbackAsync(Chat, 4, default, "alice", None)).Document.WebSocket.TimeoutSeconds);
    }

    [Fact]
    public async Task Rollback_IsANewVersionOfTheOldDocument()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat, timeoutSeconds: 1);
        await PutDomainAsync(Chat, timeoutSeconds: 2);

        var rolled = Answer(await Control.Domains.RollbackAsync(Chat, 1, default, "bob", None));

        Assert.Equal((3L, 1, false), (rolled.Version, rolled.Document.WebSocket.TimeoutSeconds, rolled.Created));
        Assert.Equal(1, Answer(await Control.Domains.GetAsync(Chat, None)).Document.WebSocket.TimeoutSeconds);
        Assert.Equal("bob", Answer(await Control.Domains.ListVersionsAsync(Chat, new(Limit: 1), None)).Items[0].By);
        Failure(await Control.Domains.RollbackAsync(Chat, 9, default, "bob", None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.RollbackAsync(Chat, 0, default, "bob", None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Domains.RollbackAsync(Chat, -1, default, "bob", None), ControlFailureKind.NotFound, "not_found");
    }

    [Fact]
    public async Task RollbackOfADeletedDocument_BringsItBack()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat, timeoutSeconds: 1);
        Answer(await Control.Domains.DeleteAsync(Chat, default, "alice", None));

        Failure(await Control.Domains.RollbackAsync(Chat, 2, default, "alice", None), ControlFailureKind.Conflict, "version_deleted");
        var rolled = Answer(await Control.Domains.RollbackAsync(Chat, 1, default, "alice", None));

        Assert.Equal((3L, true), (rolled.Version, rolled.Created));
    }

    [Fact]
    public async Task RollbackToWhatIsNoLongerValid_IsRefusedLikeAPut()
    {
        await PutTenantAsync("gone");
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat, tenant: "gone");
        await PutDomainAsync(Chat);
        Answer(await Control.Tenants.DeleteAsync("gone", default, "alice", None));

        var failure = Failure(await Control.Domains.RollbackAsync(Chat, 1, default, "alice", None), ControlFailureKind.Invalid, "config_invalid");

        Assert.Equal("tenant", Assert.Single(failure.Errors).Path);
        Assert.Equal(2, Answer(await Control.Domains.GetAsync(Chat, None)).Version);
    }

    [Fact]
    public async Task List_IsOrderedByNameInPages()
    {
        await PutTenantAsync("acme");
        string[] names = ["b.example", "*.example", "a.example", "xn--bcher-kva.example", "a-b.example", "127.0.0.1", "localhost"];
        foreach (var name in names)
        {
            await PutDomainAsync(name);
        }

        for (var limit = 1; limit <= names.Length + 1; limit++)
        {
            var all = await AllPagesAsync(limit, page => Control.Domains.ListAsync(page, None));
            Assert.Equal(names.Order(StringComparer.Ordinal), all.Select(domain => domain.Domain));
        }
    }

    [Fact]
    public async Task CursorOfADocumentThatIsGone_GoesOnBehindIt()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync("a.example");
        await PutDomainAsync("b.example");
        await PutDomainAsync("c.example");
        var first = Answer(await Control.Domains.ListAsync(new(Limit: 2), None));
        Answer(await Control.Domains.DeleteAsync("b.example", default, "alice", None));

        var second = Answer(await Control.Domains.ListAsync(new(first.Next, 2), None));

        Assert.Equal("c.example", Assert.Single(second.Items).Domain);
        Assert.Null(second.Next);
    }

    [Fact]
    public async Task CursorThatIsNone_IsRefused()
    {
        await PutTenantAsync("acme");

        Failure(await Control.ListAuditAsync(new("x"), None), ControlFailureKind.Invalid, "cursor_invalid");
        Failure(await Control.Tenants.ListVersionsAsync("acme", new("-1"), None), ControlFailureKind.Invalid, "cursor_invalid");
    }

    [Fact]
    public async Task Audit_HasEveryChangeInOrder()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat);
        await PutDomainAsync(Chat, by: "bob");
        Answer(await Control.Domains.RollbackAsync(Chat, 1, default, "carol", None));
        Answer(await Control.Domains.DeleteAsync(Chat, default, "dave", None));
        await Control.Domains.PutAsync(Chat, Domain("other.example"), default, "mallory", None);
        Answer(await Control.Tenants.DeleteAsync("acme", default, "dave", None));

        foreach (var limit in new[] { 100, 1, 4 })
        {
            var audit = await AllPagesAsync(limit, page => Control.ListAuditAsync(page, None));
            Assert.Equal(
                [
                    ("alice", "create", "tenant", "acme", 1),
                    ("alice", "create", "domain", Chat, 1),
                    ("bob", "replace", "domain", Chat, 2),
                    ("carol", "rollback", "domain", Chat, 3),
                    ("dave", "delete", "domain", Chat, 4),
                    ("dave", "delete", "tenant", "acme", 2),
                ],
                audit.Select(entry => (entry.By, entry.Action, entry.Kind, entry.Name, entry.Version)));
            Assert.Equal(audit.OrderBy(entry => long.Parse(entry.Id)), audit);
            Assert.All(audit, entry => Assert.Equal(TimeSpan.Zero, entry.At.Offset));
        }
    }

    [Fact]
    public async Task AfterARestart_EverythingIsAsItWas()
    {
        await PutTenantAsync("acme", blocked: true);
        await PutDomainAsync(Chat, timeoutSeconds: 1);
        await PutDomainAsync(Chat, timeoutSeconds: 2);
        await PutDomainAsync("gone.example");
        Answer(await Control.Domains.DeleteAsync("gone.example", default, "alice", None));
        var before = await StateAsync();

        await Harness.RestartAsync();

        Assert.Equal(before, await StateAsync());
        Assert.Equal(3, (await PutDomainAsync(Chat)).Version);
        Assert.Equal(before.Audit.Count + 1, (await StateAsync()).Audit.Count);
    }

    private Task<ControlResult<PutOutcome<DomainConfig>>> PutAsync(Precondition precondition)
        => Control.Domains.PutAsync(Chat, Domain(Chat), precondition, "alice", None);

    private async Task<StoredState> StateAsync() => new(
        [.. Answer(await Control.Domains.ListAsync(new(), None)).Items],
        [.. Answer(await Control.Tenants.ListAsync(new(), None)).Items],
        [.. Answer(await Control.Domains.ListVersionsAsync(Chat, new(), None)).Items],
        [.. Answer(await Control.ListAuditAsync(new(), None)).Items]);

    private sealed record StoredState(
        List<DomainConfig> Domains, List<TenantConfig> Tenants, List<VersionEntry<DomainConfig>> Versions, List<AuditEntry> Audit)
    {
        public bool Equals(StoredState? other)
            => other is not null && Domains.SequenceEqual(other.Domains) && Tenants.SequenceEqual(other.Tenants)
                && Versions.SequenceEqual(other.Versions) && Audit.SequenceEqual(other.Audit);

        public override int GetHashCode() => HashCode.Combine(Domains.Count, Tenants.Count, Versions.Count, Audit.Count);
    }
}
