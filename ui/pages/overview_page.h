#pragma once

#include "ui/pages/page.h"
#include "ui/widgets/tile.h"

#include <QGridLayout>

namespace portolan::ui {

/// One tile per resource. Which, and where its figure comes from, is a table in the source.
class OverviewPage final : public Page
{
    Q_OBJECT

public:
    explicit OverviewPage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    void arrange();

    QGridLayout *m_grid;
    std::vector<Tile *> m_tiles;
    int m_columns = 0;
    std::uint64_t m_samplesShown = 0;
};

} // namespace portolan::ui
