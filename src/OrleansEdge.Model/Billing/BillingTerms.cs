using System.Collections.Immutable;

namespace OrleansEdge.Model;

/// <summary>What a tenant paid for usage beyond its plans, and when. Immutable.</summary>
public sealed class BillingTerms
{
    // Dividing by it takes a decimal's trailing zeros away: 0.120 is written as 0.12.
    private const decimal OneWithAllDigits = 1.0000000000000000000000000000m;

    /// <summary>Terms with their history.</summary>
    /// <param name="versions">At least one, in the order in which they came into force.</param>
    public BillingTerms(ImmutableArray<TermsVersion> versions)
    {
        if (versions.IsDefaultOrEmpty)
        {
            throw new ArgumentException("Terms have at least one version.", nameof(versions));
        }

        Versions = [.. versions.Select(static version => version with { Terms = Normalized(version.Terms) })];
    }

    /// <summary>In the order in which they came into force.</summary>
    public ImmutableArray<TermsVersion> Versions { get; }

    /// <summary>The newest.</summary>
    public PayAsYouGoConfig Current => Versions[^1].Terms;

    /// <summary>The terms at an instant: of a bucket, those at its start. Before the first version they are the first's.</summary>
    public PayAsYouGoConfig At(DateTimeOffset time)
    {
        for (var index = Versions.Length - 1; index > 0; index--)
        {
            if (Versions[index].From <= time)
            {
                return Versions[index].Terms;
            }
        }

        return Versions[0].Terms;
    }

    /// <summary>Adds new terms; nothing where they are those that are in force.</summary>
    /// <param name="from">When they come into force, UTC. A clock that went back does not change what was in force before.</param>
    /// <param name="terms">The terms.</param>
    public BillingTerms With(DateTimeOffset from, PayAsYouGoConfig terms)
        => terms == Current ? this : new(Versions.Add(new(from < Versions[^1].From ? Versions[^1].From : from, terms)));

    private static PayAsYouGoConfig Normalized(PayAsYouGoConfig terms) => terms with
    {
        PricePerGB = new() { Websocket = terms.PricePerGB.Websocket / OneWithAllDigits, Http = terms.PricePerGB.Http / OneWithAllDigits },
    };
}

/// <summary>Terms and since when they are in force.</summary>
public sealed record TermsVersion(DateTimeOffset From, PayAsYouGoConfig Terms);
