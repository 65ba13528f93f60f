using System.Text;
using System.Text.Json;
using Orleans.Storage;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Billing;

/// <summary>The account of one tenant and its document in force, stored under an ETag. Reading may interleave with a change, which is
/// seen once it is stored. Not thread safe.</summary>
internal sealed class AccountStore(string tenant, IPersistentState<AccountStateRecord> state)
{
    private const int MostAttempts = 4;

    private bool _isUnknown;

    /// <summary>Null: there never was a tenant of this name.</summary>
    public Account? Account { get; private set; }

    /// <summary>Null: there is no tenant, or it was deleted.</summary>
    public TenantConfig? Tenant { get; private set; }

    /// <summary>Names the state that is stored.</summary>
    public string Basis => state.Etag ?? "";

    /// <summary>Takes what was read.</summary>
    /// <exception cref="RedisDamageException">It is no account.</exception>
    public void Load()
    {
        Account = state.State.Account is { } text ? new(Parse(text), Account) : null;
        Tenant = state.State.Tenant is { } document ? DocumentOf(Encoding.UTF8.GetBytes(document)) : null;
        _isUnknown = false;
    }

    /// <summary>Notes that the store may have lost what was stored.</summary>
    public void Doubt() => _isUnknown = true;

    /// <summary>Reads again where it is not known what is stored.</summary>
    public async Task EnsureKnownAsync()
    {
        if (_isUnknown)
        {
            await state.ReadStateAsync();
            Load();
        }
    }

    /// <summary>Decides on what is stored, and stores it; where somebody else has stored something meanwhile, decides again on that.</summary>
    /// <param name="decide">Gives the account as it shall be; null: as it is.</param>
    public Task ChangeAsync(Func<AccountRecord?> decide) => ChangeAsync(() => (decide(), Tenant));

    /// <summary>Stores what versions of the tenant's document say that is not known yet.</summary>
    public Task FollowAsync(IReadOnlyList<TenantVersionWire> versions) => ChangeAsync(() => Followed(versions));

    private async Task ChangeAsync(Func<(AccountRecord? Record, TenantConfig? Tenant)> decide)
    {
        for (var attempt = 1; ; attempt++)
        {
            await EnsureKnownAsync();
            var (record, document) = decide();
            if (record is null || await TryWriteAsync(record, document))
            {
                return;
            }

            if (attempt == MostAttempts)
            {
                throw new TimeoutException($"The account of \"{tenant}\" was changed by others {MostAttempts} times while it was being changed.");
            }
        }
    }

    private async Task<bool> TryWriteAsync(AccountRecord record, TenantConfig? document)
    {
        state.State = new()
        {
            Account = Encoding.UTF8.GetString(AccountText.Json(record)),
            Tenant = document is null ? null : Encoding.UTF8.GetString(TenantDocument.Write(document)),
        };
        _isUnknown = true;
        try
        {
            await state.WriteStateAsync();
        }
        catch (InconsistentStateException)
        {
            return false;
        }

        (Account, Tenant) = (new(record, Account), document);
        _isUnknown = false;
        return true;
    }

    private (AccountRecord? Record, TenantConfig? Tenant) Followed(IReadOnlyList<TenantVersionWire> versions)
    {
        var (terms, document, known) = (Account?.Terms, Tenant, Account?.Record.Version ?? 0);
        var newest = known;
        foreach (var version in versions.Where(version => version.Version > known))
        {
            document = version.Document.IsEmpty ? null : DocumentOf(version.Document);
            terms = document is null ? terms
                : terms is null ? new([new(version.At, document.PayAsYouGo)])
                : terms.With(version.At, document.PayAsYouGo);
            newest = version.Version;
        }

        terms ??= new([new(versions[0].At, new())]);
        return newest == known ? (null, document)
            : Account is null ? (Account.NewRecord(tenant, newest, terms), document)
            : (Account.Record with { Version = newest, Terms = [.. terms.Versions.Select(TermsRecord.Of)] }, document);
    }

    private AccountRecord Parse(string text)
    {
        try
        {
            return AccountText.Parse(Encoding.UTF8.GetBytes(text), tenant)
                ?? throw new RedisDamageException($"account/{tenant}", "It is of another version of the program, or of another tenant.");
        }
        catch (JsonException damage)
        {
            throw new RedisDamageException($"account/{tenant}", damage.Message, damage);
        }
    }

    private static TenantConfig DocumentOf(ReadOnlyMemory<byte> document)
    {
        var parsed = TenantDocument.Parse(document, DocumentLimits.Widest);
        return parsed.Value ?? throw new ArgumentException($"The tenant's document has faults: {parsed.Errors.Text()}", nameof(document));
    }
}
