#include "ui/pages/page_table.h"

#include "ui/pages/overview_page.h"

#include <QCoreApplication>
#include <algorithm>

namespace portolan::ui {

namespace {

template <class P> Page *make(const PageContext &context, QWidget *parent) { return new P(context, parent); }

} // namespace

const std::vector<PageEntry> &pageTable()
{
    static const std::vector<PageEntry> table{
        {"overview", QT_TRANSLATE_NOOP("pages", "Overview"), "overview", {}, make<OverviewPage>},
    };
    return table;
}

QString pageTitle(const PageEntry &entry) { return QCoreApplication::translate("pages", entry.title); }

QString pageExplaining(Resource resource)
{
    const auto explains = [resource](const PageEntry &entry) {
        return std::ranges::find(entry.resources, resource) != entry.resources.end();
    };
    const auto found = std::ranges::find_if(pageTable(), explains);
    return found == pageTable().end() ? QString() : found->id;
}

} // namespace portolan::ui
