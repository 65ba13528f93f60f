using System.Diagnostics.Metrics;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Telemetry;

/// <summary>A control plane that records how long accepted changes of documents take to be in force. Thread safe.</summary>
internal sealed class MeasuredControlPlane : IControlPlane
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "OrleansEdge.ControlPlane";

    /// <summary>Seconds from an accepted change to its being durable and in force; tag <see cref="KindTag"/>.</summary>
    public const string PropagationDurationName = "orleansedge.config.propagation.duration";

    /// <summary><c>domain</c> or <c>tenant</c>.</summary>
    public const string KindTag = "kind";

    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    };

    private readonly IControlPlane _inner;

    public MeasuredControlPlane(IControlPlane inner, IMeterFactory meters, TimeProvider time)
    {
        _inner = inner;
        var duration = meters.Create(MeterName).CreateHistogram(
            PropagationDurationName, "s", "Time from an accepted change of a document to its being in force.", null, Seconds);
        Domains = new Store<DomainConfig>(inner.Domains, "domain", duration, time);
        Tenants = new Store<TenantConfig>(inner.Tenants, "tenant", duration, time);
    }

    public IDocumentStore<DomainConfig> Domains { get; }

    public IDocumentStore<TenantConfig> Tenants { get; }

    public IBilling Billing => _inner.Billing;

    public Task<ControlResult<Page<DomainOnGateway>>> ListDomainGatewaysAsync(string domain, PageRequest page, CancellationToken cancellationToken)
        => _inner.ListDomainGatewaysAsync(domain, page, cancellationToken);

    public Task<ControlResult<Page<SessionInfo>>> ListSessionsAsync(SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
        => _inner.ListSessionsAsync(filter, page, cancellationToken);

    public Task<ControlResult<bool>> EndSessionAsync(string id, string by, CancellationToken cancellationToken)
        => _inner.EndSessionAsync(id, by, cancellationToken);

    public Task<ControlResult<Page<GatewayInfo>>> ListGatewaysAsync(PageRequest page, CancellationToken cancellationToken)
        => _inner.ListGatewaysAsync(page, cancellationToken);

    public Task<ControlResult<GatewayInfo>> DrainGatewayAsync(string name, string by, CancellationToken cancellationToken)
        => _inner.DrainGatewayAsync(name, by, cancellationToken);

    public Task<ControlResult<Page<AuditEntry>>> ListAuditAsync(PageRequest page, CancellationToken cancellationToken)
        => _inner.ListAuditAsync(page, cancellationToken);

    public Task<ControlResult<Page<BrokenDocument>>> ListBrokenAsync(PageRequest page, CancellationToken cancellationToken)
        => _inner.ListBrokenAsync(page, cancellationToken);

    private sealed class Store<T>(IDocumentStore<T> inner, string kind, Histogram<double> duration, TimeProvider time) : IDocumentStore<T>
    {
        public Task<ControlResult<Versioned<T>>> GetAsync(string name, CancellationToken cancellationToken) => inner.GetAsync(name, cancellationToken);

        public Task<ControlResult<Page<T>>> ListAsync(PageRequest page, CancellationToken cancellationToken) => inner.ListAsync(page, cancellationToken);

        public Task<ControlResult<PutOutcome<T>>> PutAsync(
            string name, ReadOnlyMemory<byte> json, Precondition precondition, string by, CancellationToken cancellationToken)
            => MeasureAsync(() => inner.PutAsync(name, json, precondition, by, cancellationToken));

        public Task<ControlResult<long>> DeleteAsync(string name, Precondition precondition, string by, CancellationToken cancellationToken)
            => MeasureAsync(() => inner.DeleteAsync(name, precondition, by, cancellationToken));

        public Task<ControlResult<Page<VersionEntry<T>>>> ListVersionsAsync(string name, PageRequest page, CancellationToken cancellationToken)
            => inner.ListVersionsAsync(name, page, cancellationToken);

        public Task<ControlResult<PutOutcome<T>>> RollbackAsync(
            string name, long version, Precondition precondition, string by, CancellationToken cancellationToken)
            => MeasureAsync(() => inner.RollbackAsync(name, version, precondition, by, cancellationToken));

        private async Task<ControlResult<TAnswer>> MeasureAsync<TAnswer>(Func<Task<ControlResult<TAnswer>>> change)
        {
            var began = time.GetTimestamp();
            var answer = await change();
            if (answer.Failure is null)
            {
                duration.Record(time.GetElapsedTime(began).TotalSeconds, new KeyValuePair<string, object?>(KindTag, kind));
            }

            return answer;
        }
    }
}
