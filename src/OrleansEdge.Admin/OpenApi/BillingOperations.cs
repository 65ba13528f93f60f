using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Requests;

namespace OrleansEdge.Admin.OpenApi;

/// <summary>The operations on usage, plans and statements.</summary>
internal static class BillingOperations
{
    private const string Tag = "billing";

    public static readonly ApiOperation GetUsage = new("getUsage", Tag, "Reads what a tenant used, open sessions included up to the last report.")
    {
        Query = UsageParameters.Names,
        Answers = [ApiAnswer.Ok("Usage")],
        Problems = [404],
    };

    public static readonly ApiOperation ListPlans = new("listPlans", Tag, "Lists the prepaid plans of a tenant in the order in which they were bought.")
    {
        Query = Requests.Query.Page,
        Answers = [ApiAnswer.Ok("PlanPage")],
        Problems = [404],
    };

    public static readonly ApiOperation BuyPlan = new("buyPlan", Tag, "Buys a prepaid plan, once for each key.")
    {
        Headers = [IdempotencyKey.Header],
        Body = "PlanOrder",
        Answers = [new(StatusCodes.Status201Created, "Bought, now or by an earlier request with the same key and order.", "Plan", "Location")],
        Problems = [404, 409, 413, 415],
    };

    public static readonly ApiOperation GetPlan = new("getPlan", Tag, "Reads a plan.")
    {
        Answers = [ApiAnswer.Ok("Plan")],
        Problems = [404],
    };

    public static readonly ApiOperation GetStatement = new("getStatement", Tag, "Reads the statement of a month that has begun.")
    {
        Query = [StatementFormats.Parameter],
        Answers = [new(StatusCodes.Status200OK, "The statement.", "Statement", "Content-Disposition") { OtherTypes = ["text/csv"] }],
        Problems = [404, 406],
    };

    public static readonly ApiOperation GetWebhook = new("getWebhook", Tag, "Reads what a tenant needs to check the calls of its webhook.")
    {
        Answers = [ApiAnswer.Ok("Webhook")],
        Problems = [404],
    };

    public static readonly ApiOperation ListReconciliation = new("listReconciliation", Tag, "Compares what gateways counted with what tenants are billed for, closed bucket by closed bucket.")
    {
        Query = [.. TimeRange.Parameters, .. Requests.Query.Page],
        Answers = [ApiAnswer.Ok("ReconciliationPage")],
    };
}
