namespace OrleansEdge.Model;

/// <summary>Gives the relay the domains it serves and tells it of changes. One of the three ports between data plane and
/// control plane. Implementations are thread safe.</summary>
public interface IDomainSource
{
    /// <summary>The domain that serves a host name: the exact one, else the wildcard with the longest suffix.</summary>
    /// <param name="host">Host name as the client sent it, without a port; compared as <see cref="DomainName.Normalize"/> says.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns><see langword="null"/> where no domain serves the name. Completes synchronously for domains that were found before.</returns>
    /// <exception cref="DomainUnavailableException">A domain serves the name, but its document cannot be had now.</exception>
    ValueTask<DomainSnapshot?> FindAsync(string host, CancellationToken cancellationToken);

    /// <summary>Calls <paramref name="observer"/> after a change of a domain that was found here before, in the order of the changes of
    /// that domain; changes that follow quickly upon each other may be told as one. On one machine it is called before the change is
    /// acknowledged to who made it, in a cluster within a second. The observer must not block.</summary>
    /// <returns>Dispose it to unsubscribe.</returns>
    IDisposable Subscribe(Action<DomainChange> observer);
}

/// <summary>A domain is new, replaced, or (where <paramref name="Current"/> is <see langword="null"/>) deleted.</summary>
/// <param name="Domain">The document's name.</param>
/// <param name="Current">What is in force from now on.</param>
public readonly record struct DomainChange(string Domain, DomainSnapshot? Current);

/// <summary>A domain is known, but its document cannot be had now: try again.</summary>
public sealed class DomainUnavailableException(string domain, Exception inner) : Exception($"The document of {domain} cannot be had now.", inner);
