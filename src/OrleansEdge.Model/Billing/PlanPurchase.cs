namespace OrleansEdge.Model;

/// <summary>What becomes of an order: a plan that was bought under its key before, a new one, or a refusal.</summary>
public readonly struct PlanPurchase
{
    private const int MaxKeyLength = 255;

    /// <summary>Why nothing is bought; <see langword="null"/>: something is, or was.</summary>
    public ControlFailure? Failure { get; private init; }

    /// <summary>The first answer to this key and order; <see langword="null"/>: there was none.</summary>
    public PlanInfo? Repeated { get; private init; }

    /// <summary>What is to be bought; <see langword="null"/>: nothing.</summary>
    public PlanOrder? Order { get; private init; }

    /// <summary>What is wrong with an idempotency key; <see langword="null"/>: nothing.</summary>
    public static ControlFailure? CheckKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Length is > 0 and <= MaxKeyLength && key.All(static letter => letter is > ' ' and <= '~')
            ? null
            : new(ControlFailureKind.Invalid, "idempotency_key_invalid", $"An idempotency key has 1 to {MaxKeyLength} visible ASCII characters.");
    }

    /// <summary>Decides on an order.</summary>
    /// <param name="account">Of the tenant.</param>
    /// <param name="isInForce">Whether the tenant exists and is not deleted.</param>
    /// <param name="json">The order as it came.</param>
    /// <param name="key">The idempotency key, which is well formed.</param>
    /// <param name="now">The time.</param>
    public static PlanPurchase Decide(Account account, bool isInForce, ReadOnlyMemory<byte> json, string key, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(account);
        if (account.Record.Plans.FirstOrDefault(plan => plan.Key == key) is { } bought)
        {
            return Repeat(bought, json);
        }

        if (!isInForce)
        {
            return new() { Failure = ControlFailures.NotFound(AuditWords.Tenant, account.Tenant) };
        }

        var parsed = PlanDocument.Parse(json, account.EarliestStart(now));
        return parsed.Value is { } order ? new() { Order = order } : new() { Failure = ControlFailures.Invalid(AuditWords.Plan, parsed.Errors) };
    }

    // What was in order when it was first asked for is in order when it is asked for again, so the time of validity is not looked at.
    private static PlanPurchase Repeat(PlanRecord bought, ReadOnlyMemory<byte> json)
    {
        var parsed = PlanDocument.Parse(json, DateTimeOffset.MinValue);
        return parsed.Value is not { } order ? new() { Failure = ControlFailures.Invalid(AuditWords.Plan, parsed.Errors) }
            : order == bought.Order ? new() { Repeated = bought.ToInfo(usedBytes: 0) }
            : new() { Failure = Reused(bought) };
    }

    private static ControlFailure Reused(PlanRecord bought) => new(
        ControlFailureKind.Conflict, "idempotency_key_reused", $"The idempotency key \"{bought.Key}\" was used for another order, which became {bought.Id}.");
}
