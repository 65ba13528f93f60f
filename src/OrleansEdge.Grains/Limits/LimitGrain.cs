using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Limits;

/// <inheritdoc cref="ILimitGrain"/>
internal sealed class LimitGrain([PersistentState("limits", SiloSetup.Storage)] IPersistentState<LimitRecord> state, EdgeClock clock) : Grain, ILimitGrain
{
    private LimitShares? _shares;

    /// <inheritdoc/>
    public async Task<LimitGrantWire> RenewAsync(LimitAskWire ask)
    {
        var shares = await SharesAsync();
        var grant = shares.Renew(ask.ToAsk(), clock.Now);
        await StoreAsync(shares);
        return new(grant.Granted, grant.IsScarce, grant.HandshakesPerSecond);
    }

    /// <inheritdoc/>
    public async Task EndAsync(Guid gateway)
    {
        var shares = await SharesAsync();
        shares.End(gateway);
        await StoreAsync(shares);
    }

    private async Task<LimitShares> SharesAsync()
    {
        if (_shares is null)
        {
            await state.ReadStateAsync();
            _shares = new();
            _shares.Restore(state.State.Granted, clock.Now);
        }

        return _shares;
    }

    private async Task StoreAsync(LimitShares shares)
    {
        if (!shares.HasChanged)
        {
            return;
        }

        try
        {
            state.State = new() { Granted = shares.Granted };
            await state.WriteStateAsync();
            shares.NoteStored();
        }
        catch
        {
            // What is stored counts, and is read before the next answer.
            _shares = null;
            throw;
        }
    }
}

/// <summary>Leases as they are stored.</summary>
[GenerateSerializer]
[Alias("OrleansEdge.LimitRecord")]
internal sealed record LimitRecord
{
    /// <summary>Places by gateway.</summary>
    [Id(0)]
    public IReadOnlyDictionary<Guid, int> Granted { get; init; } = new Dictionary<Guid, int>();
}
