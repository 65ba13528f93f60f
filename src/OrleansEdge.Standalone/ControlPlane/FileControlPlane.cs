using OrleansEdge.Model;
using OrleansEdge.Standalone.Billing;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The control plane of one process on local files, and the relay's source of domains. Documents are files that a person
/// may read, put, edit and remove while the process runs. Thread safe.</summary>
/// <remarks>A put of the document that is in force is a new version all the same; a file that was touched without another meaning
/// is not. Where a file is broken the last good version stays in force, is what is read here, and the file is listed as broken.</remarks>
public sealed class FileControlPlane : IControlPlane, IDomainSource, IDisposable
{
    // From here on flushing each file would make a first start with many files slow; one flush of all comes at the end instead.
    private const int FlushEachUpTo = 100;

    private readonly DataFolder _data;
    private readonly TimeProvider _time;
    private readonly IGatewayOperations _gateway;
    private readonly ILogger _logger;
    private readonly ChangeQueue _changes = new();
    private readonly AuditLog _audit;
    private readonly DomainFeed _feed;
    private readonly DocumentLedger<DomainConfig> _domainLedger;
    private readonly DocumentLedger<TenantConfig> _tenantLedger;
    private readonly HandEdits<DomainConfig> _domainEdits;
    private readonly HandEdits<TenantConfig> _tenantEdits;
    private readonly IUsageStore _usage = new NoUsage();
    private readonly FileBilling _billing;
    private readonly FolderWatch _watch;
    private bool _isStarted;
    private bool _flushesEach = true;
    private bool _isDisposed;

    /// <summary>Opens the data directory, creates what is missing in it, and brings all documents in force.</summary>
    /// <param name="dataDirectory">Path; created where it is missing.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes the events 3000–3199.</param>
    /// <param name="limits">Bounds for new documents.</param>
    /// <param name="gateway">The gateway of this process.</param>
    /// <param name="openUsage">Opens the ledger in a folder of the data directory, which is locked by then; the control plane owns it.
    /// <see langword="null"/>: there is none.</param>
    /// <exception cref="DataDirectoryException">The directory cannot be used, or another process uses it.</exception>
    public FileControlPlane(
        string dataDirectory,
        TimeProvider time,
        ILogger<FileControlPlane> logger,
        DocumentLimits limits,
        IGatewayOperations gateway,
        Func<string, IUsageStore>? openUsage = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        _time = time;
        _logger = logger;
        _gateway = gateway;
        _feed = new(logger);
        _data = DataFolder.Open(dataDirectory);
        try
        {
            _audit = new(_data.AuditPath, logger);
            _tenantLedger = new(TenantKind(limits), _data, _audit, time, logger) { Changed = OnTenantChanged };
            _domainLedger = new(DomainKind(limits), _data, _audit, time, logger) { Changed = OnDomainChanged };
            _tenantEdits = new(_tenantLedger, time, logger) { MayDelete = MayDeleteTenant };
            _domainEdits = new(_domainLedger, time, logger);
            _usage = openUsage?.Invoke(_data.Folder(out _, "usage")) ?? _usage;
            _billing = new(_data, _usage, Surroundings(), time, logger);
            Domains = new DocumentStore<DomainConfig>(_domainLedger, _domainEdits, _changes);
            Tenants = new DocumentStore<TenantConfig>(_tenantLedger, _tenantEdits, _changes);
            Load();
        }
        catch (Exception failure)
        {
            _billing?.Dispose();
            _usage.Dispose();
            _data.Dispose();
            if (DurableFile.IsDiskFailure(failure))
            {
                throw new DataDirectoryException($"The data directory {_data.FullPath} cannot be used: {failure.Message}", failure);
            }

            throw;
        }

        _watch = new([_domainLedger.Folder.FullPath, _tenantLedger.Folder.FullPath], Look, time, logger);
    }

    /// <inheritdoc/>
    public IDocumentStore<DomainConfig> Domains { get; }

    /// <inheritdoc/>
    public IDocumentStore<TenantConfig> Tenants { get; }

    /// <inheritdoc/>
    public IBilling Billing => _billing;

    /// <summary>Takes the usage that the relay counts.</summary>
    public IUsageSink Usage => _usage;

    /// <summary>Absolute path of the data directory.</summary>
    public string DataDirectoryPath => _data.FullPath;

    /// <inheritdoc/>
    public ValueTask<DomainSnapshot?> FindAsync(string host, CancellationToken cancellationToken) => _feed.FindAsync(host, cancellationToken);

    /// <inheritdoc/>
    public IDisposable Subscribe(Action<DomainChange> observer) => _feed.Subscribe(observer);

    /// <inheritdoc/>
    public Task<ControlResult<Page<DomainOnGateway>>> ListDomainGatewaysAsync(string domain, PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult<ControlResult<Page<DomainOnGateway>>>(
            _feed.Get(DomainName.Normalize(domain)) is { } snapshot
                ? Paging.Take([new DomainOnGateway(_gateway.Describe().Name, snapshot.Version)], static item => item.Gateway, page)
                : ControlFailures.NotFound(AuditWords.Domain, domain));

    /// <inheritdoc/>
    public Task<ControlResult<Page<SessionInfo>>> ListSessionsAsync(SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
    {
        var isElsewhere = filter.Gateway is { } gateway && gateway != _gateway.Describe().Name;
        var normalized = filter with { Domain = filter.Domain is null ? null : DomainName.Normalize(filter.Domain) };
        var sessions = isElsewhere ? [] : _gateway.ListSessions(normalized);
        return Task.FromResult<ControlResult<Page<SessionInfo>>>(Paging.Take(sessions, static session => session.Id, page));
    }

    /// <inheritdoc/>
    public Task<ControlResult<bool>> EndSessionAsync(string id, string by, CancellationToken cancellationToken)
        => _changes.RunAsync<bool>(
            () =>
            {
                if (!_gateway.TryEndSession(id))
                {
                    return ControlFailures.NotFound(AuditWords.Session, id);
                }

                Audit(by, AuditWords.End, AuditWords.Session, id);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<GatewayInfo>>> ListGatewaysAsync(PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult<ControlResult<Page<GatewayInfo>>>(Paging.Take([_gateway.Describe()], static gateway => gateway.Name, page));

    /// <inheritdoc/>
    public Task<ControlResult<GatewayInfo>> DrainGatewayAsync(string name, string by, CancellationToken cancellationToken)
        => _changes.RunAsync<GatewayInfo>(
            () =>
            {
                if (name != _gateway.Describe().Name)
                {
                    return ControlFailures.NotFound(AuditWords.Gateway, name);
                }

                // The process may end soon after it was told to, so the line comes first.
                Audit(by, AuditWords.Drain, AuditWords.Gateway, name);
                _gateway.BeginDrain();
                return _gateway.Describe();
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<AuditEntry>>> ListAuditAsync(PageRequest page, CancellationToken cancellationToken)
        => Paging.TryParseNumber(page.After, out var after)
            ? _changes.RunAsync<Page<AuditEntry>>(() => _audit.List(after, Paging.LimitOf(page)), cancellationToken)
            : Task.FromResult<ControlResult<Page<AuditEntry>>>(ControlFailures.BadCursor(page.After!));

    /// <inheritdoc/>
    public Task<ControlResult<Page<BrokenDocument>>> ListBrokenAsync(PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult<ControlResult<Page<BrokenDocument>>>(
            Paging.Take(Broken(_domainLedger).Concat(Broken(_tenantLedger)), static broken => $"{broken.Kind}/{broken.Name}", page));

    /// <summary>Finishes the change under way and gives the data directory free.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _watch.Dispose();
        _billing.Dispose();
        _changes.Run(() => _audit.Flush());
        _changes.Dispose();
        _usage.Dispose();
        _data.Dispose();
    }

    /// <summary>Brings in force what was done to files by hand.</summary>
    /// <param name="paths">Files that may have changed; null: all.</param>
    /// <returns>Whether some must be looked at again soon.</returns>
    internal bool Look(IReadOnlyCollection<string>? paths)
    {
        var tenants = _tenantEdits.FindCandidates(paths);
        var domains = _domainEdits.FindCandidates(paths);
        if (!_isDisposed && tenants.Count + domains.Count > 0)
        {
            _changes.Run(() => Reconcile(tenants, domains, isStart: false));
        }

        return _tenantEdits.IsWaiting || _domainEdits.IsWaiting;
    }

    private static DocumentKind<TenantConfig> TenantKind(DocumentLimits limits) => new()
    {
        Word = AuditWords.Tenant,
        Folder = "tenants",
        Normalize = static name => name,
        ValidateName = TenantDocument.ValidateId,
        Parse = (json, name, _) => TenantDocument.Parse(json, limits, name),
        Write = TenantDocument.Write,
    };

    private static IEnumerable<BrokenDocument> Broken<T>(DocumentLedger<T> ledger)
        where T : class
        => ledger.States.Where(static state => state.IsBroken).Select(state => new BrokenDocument(ledger.Kind.Word, state.Name, state.Faults));

    private DocumentKind<DomainConfig> DomainKind(DocumentLimits limits) => new()
    {
        Word = AuditWords.Domain,
        Folder = "domains",
        Normalize = DomainName.Normalize,
        ValidateName = DomainName.Validate,
        Parse = (json, name, rules) => rules == DocumentRules.Stored
            ? DomainDocument.Parse(json, DocumentLimits.Widest, name, tenantExists: null)
            : DomainDocument.Parse(json, limits, name, HasTenant),
        Write = DomainDocument.Write,
    };

    private void Load()
    {
        var unaudited = _tenantLedger.Load();
        unaudited.AddRange(_domainLedger.Load());
        unaudited.AddRange(_billing.MissingInAudit);
        if (unaudited.Count > 0)
        {
            _audit.Complete(unaudited);
            _logger.AuditCompleted(unaudited.Count);
        }

        var tenants = _tenantEdits.FindCandidates(paths: null);
        var domains = _domainEdits.FindCandidates(paths: null);
        Reconcile(tenants, domains, isStart: true);
        _changes.Run(StartBilling);
        _logger.ControlPlaneOpened(
            _data.FullPath, _domainLedger.Names.Count, _tenantLedger.Names.Count, Broken(_domainLedger).Count() + Broken(_tenantLedger).Count());
    }

    private void StartBilling()
    {
        _billing.Start(_tenantLedger.States);
        _isStarted = true;
        foreach (var domain in _domainLedger.States.Where(state => state.Document is { } document && _billing.ExhaustedOf(document.Tenant) != ExhaustedQuota.None))
        {
            OnDomainChanged(domain, domain);
        }
    }

    private BillingSurroundings Surroundings() => new()
    {
        Changes = _changes,
        Audit = _audit,
        TenantOf = tenant => _tenantLedger.Find(tenant)?.Document,
        VersionsAfter = (stem, version) => _tenantLedger.History.ListNumbers(stem)
            .Where(number => number > version).Order()
            .Select(number => _tenantLedger.History.Read(stem, number)).OfType<VersionRecord<TenantConfig>>(),
        ExhaustedChanged = (tenant, _) => PublishDomainsOf(tenant),
    };

    private void Reconcile(List<string> tenants, List<string> domains, bool isStart)
    {
        var flush = tenants.Count + domains.Count <= FlushEachUpTo;
        _flushesEach = flush;
        _tenantEdits.ReconcileAll(tenants, flush, isStart);
        _domainEdits.ReconcileAll(domains, flush, isStart);
        _audit.Flush();
        if (!flush)
        {
            DurableFile.FlushFileSystem(_data.FullPath);
            _flushesEach = true;
        }
    }

    private bool HasTenant(string tenant) => _tenantLedger.Find(tenant)?.Document is not null;

    private bool IsBlocked(string tenant) => _tenantLedger.Find(tenant)?.Document is { Blocked: true };

    private ControlFailure? MayDeleteTenant(string tenant)
        => DomainsOf(tenant).FirstOrDefault() is { } domain ? ControlFailures.TenantHasDomains(tenant, domain.Name) : null;

    private IEnumerable<DocumentState<DomainConfig>> DomainsOf(string tenant)
        => _domainLedger.States.Where(state => state.Document?.Tenant == tenant);

    private void OnDomainChanged(DocumentState<DomainConfig> before, DocumentState<DomainConfig> now)
    {
        if (now.Document is { } document)
        {
            _feed.Publish(new(document, now.Version, IsBlocked(document.Tenant), _billing.ExhaustedOf(document.Tenant)));
        }
        else
        {
            _feed.Withdraw(now.Name);
        }
    }

    private void OnTenantChanged(DocumentState<TenantConfig> before, DocumentState<TenantConfig> now)
    {
        // At the start billing looks at all tenants, when all of them are known.
        var isExhaustedNew = _isStarted && _billing.TenantChanged(now, _flushesEach);
        if (isExhaustedNew || (before.Document is { Blocked: true }) != (now.Document is { Blocked: true }))
        {
            PublishDomainsOf(now.Name);
        }

        if (before.Document is null && now.Document is not null)
        {
            _domainEdits.ReconcileBroken();
        }
    }

    private void PublishDomainsOf(string tenant)
    {
        foreach (var domain in DomainsOf(tenant))
        {
            OnDomainChanged(domain, domain);
        }
    }

    private void Audit(string by, string action, string kind, string name)
        => _audit.Append(new(AuditWords.Id(_audit.TakeId()), _time.GetUtcNow(), by, action, kind, name, null));
}
