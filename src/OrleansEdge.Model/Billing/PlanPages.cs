namespace OrleansEdge.Model;

/// <summary>Plans of an account as they are shown.</summary>
public static class PlanPages
{
    /// <summary>A page of plans in the order in which they were bought; the cursor is the id.</summary>
    public static ControlResult<Page<PlanInfo>> List(Account account, PlanUse use, PageRequest page)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(use);
        var plans = account.Record.Plans;
        var first = page.After is { } after ? account.IndexOf(after) + 1 : 0;
        if (page.After is not null && first == 0)
        {
            return ControlFailures.BadCursor(page.After);
        }

        var end = Math.Min(plans.Count, first + Paging.LimitOf(page));
        var items = Enumerable.Range(first, end - first).Select(index => plans[index].ToInfo(use[index])).ToList();
        return new Page<PlanInfo>(items, end < plans.Count ? plans[end - 1].Id : null);
    }

    /// <summary>One plan.</summary>
    public static ControlResult<PlanInfo> Get(Account account, PlanUse use, string id)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(use);
        var index = account.IndexOf(id);
        return index < 0 ? ControlFailures.NotFound(AuditWords.Plan, $"{account.Tenant}/{id}") : account.Record.Plans[index].ToInfo(use[index]);
    }
}
