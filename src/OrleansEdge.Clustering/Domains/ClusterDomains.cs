using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Domains;

/// <summary>What a gateway knows of the domains: all names, and the documents of those that it has in use. Thread safe; finding a host
/// whose document is there takes no lock.</summary>
/// <param name="fetch">Gets the document of a domain from its grain, and where the store may have gone back from the store itself;
/// <see langword="null"/>: there is none any more.</param>
/// <param name="changed">Called after each change of a document in use, in the order of the changes of that domain; must not block.</param>
/// <param name="used">Called with each document that is in force from now on; must not block.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Takes the events 4100–4199.</param>
internal sealed class ClusterDomains(
    Func<string, bool, Task<DocumentWire?>> fetch, Action<DomainChange, DateTimeOffset> changed, Action<DomainSnapshot> used, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    private readonly DomainIndex<KnownDomain> _index = new();
    private readonly Dictionary<string, TenantFlags> _tenants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<KnownDomain>> _inUse = new(StringComparer.Ordinal);
    private readonly HashSet<KnownDomain> _orphaned = [];
    private readonly Lock _gate = new();

    /// <summary>Names of the domains whose documents are in use.</summary>
    public IReadOnlyList<string> NamesInUse
    {
        get
        {
            lock (_gate)
            {
                return [.. _inUse.Values.SelectMany(static domains => domains).Select(static known => known.Name)];
            }
        }
    }

    /// <summary>Documents that are in force though the feed does not know their domains any more.</summary>
    public IReadOnlyList<DomainSnapshot> Orphaned
    {
        get
        {
            lock (_gate)
            {
                return [.. _orphaned.Select(static known => known.Snapshot!)];
            }
        }
    }

    /// <summary>How many of them there are.</summary>
    public int OrphanedCount
    {
        get
        {
            lock (_gate)
            {
                return _orphaned.Count;
            }
        }
    }

    /// <summary>What serves a host; waits for its document where that is not there yet.</summary>
    /// <returns><see langword="null"/> where no domain of that name is known.</returns>
    /// <exception cref="DomainUnavailableException">The document cannot be had now.</exception>
    public ValueTask<DomainSnapshot?> FindAsync(string normalizedHost, CancellationToken cancellationToken)
        => _index.Find(normalizedHost) is not { } known ? new((DomainSnapshot?)null)
            : known.Snapshot is { } snapshot ? new(snapshot)
            : new(LoadAsync(known).WaitAsync(cancellationToken));

    /// <summary>The version of a domain that a session would get now; 0: none is known.</summary>
    public long VersionOf(string domain) => _index.TryGet(domain, out var known) ? known.Snapshot?.Version ?? known.Revision : 0;

    /// <summary>Takes what a shard of the feed says.</summary>
    /// <param name="change">The newest of its name.</param>
    /// <param name="isNewCourse">Whether the store may have gone back, so that older revisions count too.</param>
    public void Apply(FeedChangeWire change, bool isNewCourse = false)
    {
        if (change.Name.StartsWith(ConfigFeed.Tenant, StringComparison.Ordinal))
        {
            ApplyTenant(change.Name[ConfigFeed.Tenant.Length..], change.Deleted ? TenantFlags.None : change.Flags, change.At);
        }
        else
        {
            ApplyDomain(change.Name[ConfigFeed.Domain.Length..], change, isNewCourse);
        }
    }

    /// <summary>Puts a document in force that was good when this gateway last ran.</summary>
    public void Restore(DomainConfig config, long version, TenantFlags flags)
    {
        lock (_gate)
        {
            if (!_index.TryGet(config.Domain, out _))
            {
                // Whatever the feed says of it counts: versions of the past may be none of this cluster's any more.
                var known = new KnownDomain(config.Domain, 0) { MayGoBack = true };
                _index.Set(config.Domain, known);
                _tenants.TryAdd(config.Tenant, flags);
                Use(known, config, version);
            }
        }
    }

    /// <summary>Notes that the feed does not know a domain any more that was never deleted. What is in force stays so until the feed knows
    /// the name again, and whatever it says then counts. A name without a document is forgotten.</summary>
    public void NoteOrphaned(string domain)
    {
        lock (_gate)
        {
            if (!_index.TryGet(domain, out var known))
            {
                return;
            }

            if (known.Snapshot is null)
            {
                known.IsGone = true;
                _index.Remove(domain);
                return;
            }

            (known.Revision, known.MayGoBack) = (0, true);
            if (_orphaned.Add(known))
            {
                logger.DomainOrphaned(domain);
            }
        }
    }

    private void ApplyTenant(string tenant, TenantFlags flags, DateTimeOffset at)
    {
        lock (_gate)
        {
            if (_tenants.GetValueOrDefault(tenant) == flags)
            {
                return;
            }

            _tenants[tenant] = flags;
            foreach (var known in _inUse.GetValueOrDefault(tenant)?.ToArray() ?? [])
            {
                var snapshot = known.Snapshot!;
                Use(known, snapshot.Config, snapshot.Version);
                changed(new(known.Name, known.Snapshot), at);
            }
        }
    }

    private void ApplyDomain(string name, FeedChangeWire change, bool isNewCourse)
    {
        KnownDomain? known;
        lock (_gate)
        {
            _index.TryGet(name, out known);
            if (known is not null && change.Revision < known.Revision && !isNewCourse)
            {
                return;
            }

            if (known is not null && _orphaned.Remove(known))
            {
                logger.DomainKnownAgain(name, change.Revision);
            }

            if (change.Deleted)
            {
                Remove(known, change.At);
                return;
            }

            if (known is null)
            {
                // Its grain may remember a version, or a deletion, that the store has no more.
                _index.Set(name, new(name, change.Revision) { MayGoBack = isNewCourse });
                return;
            }

            known.MayGoBack |= isNewCourse && change.Revision < known.Revision;
            known.Revision = change.Revision;
        }

        Refresh(known);
    }

    private void Remove(KnownDomain? known, DateTimeOffset at)
    {
        if (known is null)
        {
            return;
        }

        known.IsGone = true;
        _index.Remove(known.Name);
        if (known.Snapshot is { } snapshot)
        {
            _inUse.GetValueOrDefault(snapshot.Tenant)?.Remove(known);
            changed(new(known.Name, null), at);
        }
    }

    // One fetch for all that wait for a document.
    private Task<DomainSnapshot?> LoadAsync(KnownDomain known)
    {
        lock (_gate)
        {
            return known.Snapshot is { } snapshot ? Task.FromResult<DomainSnapshot?>(snapshot) : known.Loading ??= FetchFirstAsync(known);
        }
    }

    private async Task<DomainSnapshot?> FetchFirstAsync(KnownDomain known)
    {
        // Not under the caller's lock.
        await Task.Yield();
        try
        {
            Take(known, await fetch(known.Name, known.MayGoBack));
            Refresh(known);
            return known.IsGone ? null : known.Snapshot;
        }
        catch (Exception failure)
        {
            logger.DomainNotFetched(known.Name, failure.Message);
            throw new DomainUnavailableException(known.Name, failure);
        }
        finally
        {
            lock (_gate)
            {
                known.Loading = null;
            }
        }
    }

    private void Refresh(KnownDomain known)
    {
        lock (_gate)
        {
            if (!known.IsRefreshing && known.IsStale)
            {
                known.IsRefreshing = true;
                _ = RefreshAsync(known);
            }
        }
    }

    // What is in force stays so; the cluster is asked until it has what the feed told of.
    private async Task RefreshAsync(KnownDomain known)
    {
        await Task.Yield();
        while (true)
        {
            try
            {
                Take(known, await fetch(known.Name, known.MayGoBack));
            }
            catch (Exception failure)
            {
                logger.DomainNotFetched(known.Name, failure.Message);
            }

            lock (_gate)
            {
                if (!known.IsStale)
                {
                    known.IsRefreshing = false;
                    return;
                }
            }

            await Task.Delay(RetryAfter, time);
        }
    }

    // Where the grain has none the tombstone is on its way, if it has not come already.
    private void Take(KnownDomain known, DocumentWire? wire)
    {
        lock (_gate)
        {
            if (known.IsGone || wire is null)
            {
                return;
            }

            var before = known.Snapshot;
            if (before is null || wire.Version > before.Version || (known.MayGoBack && wire.Version != before.Version))
            {
                Use(known, DomainDocument.Parse(wire.Json, DocumentLimits.Widest).Value!, wire.Version);
                if (before is not null)
                {
                    changed(new(known.Name, known.Snapshot), wire.At);
                }
            }

            known.MayGoBack &= wire.Version < known.Revision;
        }
    }

    private void Use(KnownDomain known, DomainConfig config, long version)
    {
        if (known.Snapshot is { } before)
        {
            _inUse.GetValueOrDefault(before.Tenant)?.Remove(known);
        }

        var flags = _tenants.GetValueOrDefault(config.Tenant);
        known.Snapshot = new(config, version, flags.HasFlag(TenantFlags.Blocked), ExhaustedOf(flags));
        if (!_inUse.TryGetValue(config.Tenant, out var domains))
        {
            _inUse[config.Tenant] = domains = [];
        }

        domains.Add(known);
        used(known.Snapshot);
    }

    private static ExhaustedQuota ExhaustedOf(TenantFlags flags)
        => (flags.HasFlag(TenantFlags.WebsocketExhausted) ? ExhaustedQuota.Websocket : ExhaustedQuota.None)
            | (flags.HasFlag(TenantFlags.HttpExhausted) ? ExhaustedQuota.Http : ExhaustedQuota.None);

    /// <summary>A name, and its document where it is in use. Changed under the lock; the snapshot is read without.</summary>
    private sealed class KnownDomain(string name, long revision)
    {
        private volatile DomainSnapshot? _snapshot;

        public string Name => name;

        /// <summary>What the feed said last.</summary>
        public long Revision { get; set; } = revision;

        public DomainSnapshot? Snapshot
        {
            get => _snapshot;
            set => _snapshot = value;
        }

        public Task<DomainSnapshot?>? Loading { get; set; }

        public bool IsRefreshing { get; set; }

        public bool IsGone { get; set; }

        /// <summary>Whether the document in force is not the one that the feed told of.</summary>
        public bool IsStale => !IsGone && Revision > 0 && Snapshot is { } snapshot && (MayGoBack ? snapshot.Version != Revision : snapshot.Version < Revision);

        /// <summary>Whether an older version than the one in force is to be taken.</summary>
        public bool MayGoBack { get; set; }
    }
}
