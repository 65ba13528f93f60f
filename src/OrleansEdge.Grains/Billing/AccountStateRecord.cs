namespace OrleansEdge.Grains.Billing;

/// <summary>What is stored of an account. Both members are texts that have a form of their own, so that this shape need never
/// change.</summary>
[GenerateSerializer]
[Alias("OrleansEdge.AccountStateRecord")]
public sealed record AccountStateRecord
{
    /// <summary><see cref="Model.AccountText"/>; null: there never was a tenant of this name.</summary>
    [Id(0)]
    public string? Account { get; init; }

    /// <summary>The tenant's document that is in force, <see cref="Model.TenantDocument"/>; null: there is none.</summary>
    [Id(1)]
    public string? Tenant { get; init; }
}
