using System.Collections.Concurrent;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>The accounts of all tenants, in memory and on disk. Reading is thread safe; changing calls are made in turns of the change
/// queue.</summary>
internal sealed class Accounts
{
    // From here on flushing each file would make a first start with many tenants slow; one flush of all comes at the end instead.
    private const int FlushEachUpTo = 100;

    private readonly AccountFolder _folder;
    private readonly Func<string, long, IEnumerable<VersionRecord<TenantConfig>>> _versionsAfter;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _dataPath;
    private readonly ConcurrentDictionary<string, TenantAccount> _accounts;
    private readonly ConcurrentDictionary<string, TenantAccount> _unwritten = new(StringComparer.Ordinal);

    /// <summary>Reads all accounts.</summary>
    /// <param name="data">The data directory.</param>
    /// <param name="hadPlans">Whether a tenant once bought a plan.</param>
    /// <param name="versionsAfter">Kept versions of a tenant's document after a number, oldest first.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes what goes wrong.</param>
    public Accounts(
        DataFolder data,
        Func<string, bool> hadPlans,
        Func<string, long, IEnumerable<VersionRecord<TenantConfig>>> versionsAfter,
        TimeProvider time,
        ILogger logger)
    {
        _folder = new(data);
        _dataPath = data.FullPath;
        _versionsAfter = versionsAfter;
        _time = time;
        _logger = logger;
        var accounts = _folder.ReadAll(hadPlans).Select(static record => new TenantAccount(new(record)));
        _accounts = new(accounts.Select(static account => KeyValuePair.Create(account.Tenant, account)), StringComparer.Ordinal);
    }

    /// <summary>In no order.</summary>
    public ICollection<TenantAccount> All => _accounts.Values;

    public TenantAccount? Find(string tenant) => _accounts.GetValueOrDefault(tenant);

    /// <summary>Brings the terms of many tenants up to date with their documents.</summary>
    public void FollowAll(IEnumerable<DocumentState<TenantConfig>> tenants)
    {
        var behind = tenants.Where(tenant => tenant.Version > 0 && Find(tenant.Name)?.Account.Record.Version != tenant.Version).ToList();
        var flush = behind.Count <= FlushEachUpTo;
        foreach (var tenant in behind)
        {
            Follow(tenant, flush);
        }

        if (!flush)
        {
            DurableFile.FlushFileSystem(_dataPath);
        }
    }

    /// <summary>Brings the terms of a tenant up to date with the versions of its document. The document is in force already, so where the
    /// disk refuses the account it changes in memory, and is written later.</summary>
    public TenantAccount Follow(DocumentState<TenantConfig> tenant, bool flush)
    {
        var known = Find(tenant.Name);
        var terms = TermsOf(tenant, known?.Account);
        var record = known is null
            ? Account.NewRecord(tenant.Name, tenant.Version, terms)
            : known.Account.Record with { Version = tenant.Version, Terms = [.. terms.Versions.Select(TermsRecord.Of)] };
        var account = known ?? new TenantAccount(new(record));
        account.Account = new(record, known?.Account);
        _accounts[tenant.Name] = account;
        WriteOrKeep(account, flush);
        return account;
    }

    /// <summary>Replaces an account: when this returns it is on the disk, when it throws nothing has changed.</summary>
    /// <exception cref="IOException">The disk refuses it.</exception>
    public void Replace(TenantAccount account, AccountRecord record)
    {
        _folder.Write(record);
        account.Account = new(record, account.Account);
        _unwritten.TryRemove(account.Tenant, out _);
    }

    /// <summary>Whether accounts wait for a disk that refused them.</summary>
    public bool HasUnwritten => !_unwritten.IsEmpty;

    /// <summary>Writes the accounts that wait.</summary>
    public void WriteUnwritten()
    {
        foreach (var account in _unwritten.Values)
        {
            WriteOrKeep(account, flush: true);
        }
    }

    private BillingTerms TermsOf(DocumentState<TenantConfig> tenant, Account? known)
    {
        var terms = known?.Terms;

        // Versions restart where somebody deleted their files.
        var after = known is null || known.Record.Version > tenant.Version ? 0 : known.Record.Version;
        foreach (var version in _versionsAfter(tenant.Stem, after).Where(static version => version.Document is not null))
        {
            terms = With(terms, version.At, version.Document!.PayAsYouGo);
        }

        // Says nothing new but where the file of the newest version is damaged.
        return tenant.Document is { } document
            ? With(terms, _time.GetUtcNow(), document.PayAsYouGo)
            : terms ?? With(null, _time.GetUtcNow(), new());
    }

    private static BillingTerms With(BillingTerms? terms, DateTimeOffset from, PayAsYouGoConfig next)
        => terms is null ? new([new(from, next)]) : terms.With(from, next);

    private void WriteOrKeep(TenantAccount account, bool flush)
    {
        try
        {
            _folder.Write(account.Account.Record, flush);
            _unwritten.TryRemove(account.Tenant, out _);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            if (_unwritten.TryAdd(account.Tenant, account))
            {
                _logger.AccountNotWritten(account.Tenant, failure.Message);
            }
        }
    }
}
