/// Training with every site's rows in one process: the oracle that federated training is compared
/// with, and with one shard the pooled training itself.
public enum PooledTraining {
  /// Trains on the shards' sums. Throws what the trainer and the shards throw.
  public static func train<Loss>(
    plan: TrainingPlan<Loss>, features: [FeatureBins], sites: [TrainingRows],
    crew: WorkCrew = .single
  ) throws(BoostedTreesError) -> EnsembleTrainer<Loss> {
    var trainer = try EnsembleTrainer(plan: plan, features: features)
    let settings = try plan.shardSettings()
    var shards: [LocalShard] = []
    for rows in sites {
      guard rows.table.features == features else { throw BoostedTreesError(.shapeMismatch) }
      shards.append(try LocalShard(rows: rows, settings: settings))
    }
    while let query = trainer.query {
      var total = [Int64](repeating: 0, count: trainer.answerCount)
      for index in shards.indices {
        let answer = try shards[index].answer(query, crew: crew)
        guard answer.count == total.count else { throw BoostedTreesError(.totalLength) }
        if shards.count == 1 {
          total = answer
        } else {
          for element in total.indices { total[element] &+= answer[element] }
        }
      }
      try trainer.absorb(total)
    }
    return trainer
  }
}
