namespace OrleansEdge.Model;

/// <summary>The limits of a domain over all gateways of a cluster; on one machine there is none of it. Thread safe.</summary>
public interface ISharedLimits
{
    /// <summary>Asks for a place for one more connection, and for one handshake, of a domain. Every connection takes one, so that those that
    /// are open count when a limit is set; without limits it is given at once. Where the cluster does not answer within 250 ms the place is
    /// given: the gateway's own count bounds it.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    ValueTask<SharedLimit> TryTakeAsync(DomainSnapshot domain, CancellationToken cancellationToken);

    /// <summary>Gives back a place that was taken. Does not wait.</summary>
    /// <param name="domain">Name of the domain's document.</param>
    void Return(string domain);
}

/// <summary>Answer to who asks for a place.</summary>
public enum SharedLimit
{
    /// <summary>There is room.</summary>
    Within,

    /// <summary>The domain has as many connections as it may have.</summary>
    Connections,

    /// <summary>The domain has as many handshakes a second as it may have.</summary>
    Handshakes,
}
