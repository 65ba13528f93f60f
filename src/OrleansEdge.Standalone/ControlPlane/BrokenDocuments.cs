using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>How many documents are broken, for those who look at the process's health.</summary>
internal static class BrokenDocuments
{
    public static async Task<int> CountAsync(IControlPlane control, CancellationToken cancellationToken)
    {
        var count = 0;
        var page = new PageRequest(null, PageRequest.MaxLimit);
        while (true)
        {
            var broken = await control.ListBrokenAsync(page, cancellationToken);
            if (broken.Failure is not null)
            {
                return count;
            }

            count += broken.Value.Items.Count;
            if (broken.Value.Next is null)
            {
                return count;
            }

            page = page with { After = broken.Value.Next };
        }
    }
}
