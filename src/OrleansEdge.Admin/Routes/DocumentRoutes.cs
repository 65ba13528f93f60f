using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.Access;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>What domains and tenants have in common: documents that are put whole, versioned and rolled back.</summary>
/// <param name="kind">The word for one document: name of its route parameter, of the query parameter and of its schema.</param>
/// <param name="select">The store.</param>
/// <param name="nameOf">A document's name.</param>
internal sealed class DocumentRoutes<T>(string kind, Func<IControlPlane, IDocumentStore<T>> select, Func<T, string> nameOf)
{
    private readonly string _collection = $"/{kind}s";

    public void Map(IEndpointRouteBuilder api)
    {
        var operations = new DocumentOperations(kind);
        new Resource(api, _collection).Get(operations.List, ListAsync).RefuseOthers();
        new Resource(api, $"{_collection}/{{{kind}}}")
            .Get(operations.Get, GetAsync)
            .Put(operations.Put, PutAsync)
            .Delete(operations.Delete, DeleteAsync)
            .RefuseOthers();
        new Resource(api, $"{_collection}/{{{kind}}}/versions").Get(operations.Versions, ListVersionsAsync).RefuseOthers();
        new Resource(api, $"{_collection}/{{{kind}}}/rollback").Post(operations.Rollback, RollbackAsync).RefuseOthers();
    }

    private Task<IResult> ListAsync(HttpContext context, IControlPlane control)
        => Lists.AnswerAsync(context, select(control).ListAsync);

    private Task<IResult> ListVersionsAsync(HttpContext context, IControlPlane control)
        => Lists.AnswerAsync(context, (page, cancellation) => select(control).ListVersionsAsync(Name(context), page, cancellation));

    private async Task<IResult> GetAsync(HttpContext context, IControlPlane control)
    {
        var result = await select(control).GetAsync(Name(context), context.RequestAborted);
        if (result.Failure is { } failure)
        {
            return Problem.Of(failure);
        }

        var (document, version) = result.Value;
        return ReadCondition.TryEvaluate(context.Request.Headers, version, out var status) ?? (IResult)new DocumentAnswer<T>(status, document, version);
    }

    private async Task<IResult> PutAsync(HttpContext context, IControlPlane control)
    {
        if (WriteCondition.TryRead(context.Request.Headers, creates: true, out var condition) is { } problem)
        {
            return problem;
        }

        if (await JsonBody.ReadAsync(context) is not { } json)
        {
            return JsonBody.TooBig();
        }

        var result = await condition.ApplyAsync(precondition
            => select(control).PutAsync(Name(context), json, precondition, Caller(context), context.RequestAborted));
        return Answer(result, context);
    }

    private async Task<IResult> DeleteAsync(HttpContext context, IControlPlane control)
    {
        if (WriteCondition.TryRead(context.Request.Headers, creates: false, out var condition) is { } problem)
        {
            return problem;
        }

        var result = await condition.ApplyAsync(precondition
            => select(control).DeleteAsync(Name(context), precondition, Caller(context), context.RequestAborted));
        return result.Failure is { } failure ? Problem.Of(failure) : TypedResults.NoContent();
    }

    private async Task<IResult> RollbackAsync(HttpContext context, IControlPlane control)
    {
        if (WriteCondition.TryRead(context.Request.Headers, creates: true, out var condition) is { } problem)
        {
            return problem;
        }

        if (await JsonBody.ReadAsync(context) is not { } json)
        {
            return JsonBody.TooBig();
        }

        if (RollbackRequest.TryParse(json, out var version) is { } fault)
        {
            return Problem.Invalid([fault]);
        }

        var result = await condition.ApplyAsync(precondition
            => select(control).RollbackAsync(Name(context), version, precondition, Caller(context), context.RequestAborted));
        return Answer(result, context);
    }

    private IResult Answer(ControlResult<PutOutcome<T>> result, HttpContext context)
    {
        if (result.Failure is { } failure)
        {
            return Problem.Of(failure);
        }

        var (document, version, created) = result.Value;
        return created
            ? new DocumentAnswer<T>(StatusCodes.Status201Created, document, version, Location(context, document))
            : new DocumentAnswer<T>(StatusCodes.Status200OK, document, version);
    }

    private string Location(HttpContext context, T document)
        => $"{context.Request.PathBase}{AdminApi.BasePath}{_collection}/{Uri.EscapeDataString(nameOf(document))}";

    private string Name(HttpContext context) => (string)context.GetRouteValue(kind)!;

    private static string Caller(HttpContext context) => AdminCaller.Of(context).Name;
}
