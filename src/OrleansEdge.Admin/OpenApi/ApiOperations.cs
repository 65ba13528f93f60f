using Microsoft.AspNetCore.Http;

namespace OrleansEdge.Admin.OpenApi;

/// <summary>The operations on what is not a document.</summary>
internal static class ApiOperations
{
    public static readonly ApiOperation ListDomainGateways = new("listDomainGateways", "domains", "Lists which gateway has which version of a domain in force.")
    {
        Query = Requests.Query.Page,
        Answers = [ApiAnswer.Ok("DomainGatewayPage")],
        Problems = [404],
    };

    public static readonly ApiOperation ListSessions = new("listSessions", "sessions", "Lists the open sessions, ordered by id.")
    {
        Query = ["domain", "tenant", "gateway", .. Requests.Query.Page],
        Answers = [ApiAnswer.Ok("SessionPage")],
    };

    public static readonly ApiOperation EndSession = new("endSession", "sessions", "Ends a session: its client gets Close 1008 \"closed by operator\".")
    {
        Answers = [ApiAnswer.NoContent("It is being ended.")],
        Problems = [404, 415],
    };

    public static readonly ApiOperation ListGateways = new("listGateways", "gateways", "Lists the gateways, ordered by name.")
    {
        Query = Requests.Query.Page,
        Answers = [ApiAnswer.Ok("GatewayPage")],
    };

    public static readonly ApiOperation DrainGateway = new("drainGateway", "gateways", "Tells a gateway to drain: it takes no new sessions, ends those that it has, and exits.")
    {
        Answers = [new(StatusCodes.Status202Accepted, "Draining has begun.", "Gateway")],
        Problems = [404, 415],
    };

    public static readonly ApiOperation ListAudit = new("listAudit", "audit", "Lists what was done by whom, oldest first.")
    {
        Query = Requests.Query.Page,
        Answers = [ApiAnswer.Ok("AuditPage")],
    };

    public static readonly ApiOperation ListBroken = new("listBroken", "audit", "Lists stored documents that cannot be served, with their faults.")
    {
        Query = Requests.Query.Page,
        Answers = [ApiAnswer.Ok("BrokenPage")],
    };
}
